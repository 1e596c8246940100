-- What artists are said to be: tags from files (refrain import --tags).

-- By uuid, because a file names artists by either of two: the msid, which follows from the folded
-- name alone, so that an artist needs not be in the catalogue, or an MBID. A UUIDv8 is no MBID.
create table refrain.artist_tags (
    artist  uuid primary key,
    tags    text[] not null,
    weights double precision[] not null
);
comment on table refrain.artist_tags is
    'Imported tags of artists, folded, with their weights: of each the fifty strongest, the '
    'strongest first. artist is the msid of a credit or an MBID. What users have submitted is never '
    'in here, because everybody sees it.';
