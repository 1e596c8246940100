-- Tags from files. A file is told bit by bit, into a table of the session's own, and takes effect at
-- once at the end: who breaks off before leaves nothing behind.

create or replace function refrain.tag_key(tag text) returns text
language sql immutable as $$
    select btrim(regexp_replace(lower(normalize(tag, nfkc)), '\s+', ' ', 'g'))
$$;
comment on function refrain.tag_key is 'helper: the folded form of a tag';

create or replace function refrain.tag_key_is_valid(tag_key text) returns boolean
language sql immutable as $$
    select length(tag_key) between 1 and 64
$$;
comment on function refrain.tag_key_is_valid is
    'helper: whether a folded tag counts: it is not blank, and not longer than submissions allow';

create or replace function refrain.artist_genres(artist_id bigint) returns setof text
language sql stable as $$
    select distinct g.tag
    from refrain.artists a
    cross join lateral unnest(a.msid || a.mbids) k(artist)
    join refrain.artist_tags t on t.artist = k.artist
    -- The strongest come first, so these alone can be among the genres.
    cross join lateral unnest(t.tags[1:5], t.weights[1:5]) g(tag, weight)
    where a.id = artist_genres.artist_id and 2 * g.weight >= t.weights[1]
$$;
comment on function refrain.artist_genres is
    'helper: the genres of an artist, by imported tags: the five strongest, without those that weigh '
    'less than half of the strongest; of what is known by name and by each MBID, all together';

create or replace function refrain.tags_stage(artists uuid[], tags text[], weights numeric[])
returns setof int
language plpgsql as $$
begin
    if to_regclass('pg_temp.staged_tags') is null then
        create temporary table staged_tags (
            artist uuid not null, tag text not null, weight numeric not null);
    end if;
    insert into pg_temp.staged_tags
    select n.artist, refrain.tag_key(n.tag), n.weight
    from unnest(artists, tags, weights) n(artist, tag, weight)
    where refrain.tag_key_is_valid(refrain.tag_key(n.tag));
    return query
    select n.at::int
    from unnest(tags) with ordinality n(tag, at)
    where not refrain.tag_key_is_valid(refrain.tag_key(n.tag))
    order by n.at;
end
$$;
comment on function refrain.tags_stage is
    'all: takes in some rows of a file, for tags_apply in the same session, and tells which were '
    'refused for their tags, by their places from 1 on';

create or replace function refrain.tags_apply(
    is_whole boolean, out artists bigint, out changed bigint, out removed bigint)
language plpgsql
set work_mem = '64MB'
as $$
begin
    -- Another one waits; who reads does not.
    lock table refrain.artist_tags in share row exclusive mode;
    -- One statement, so that the generation, a row that everybody shares, is raised after all.
    with weighed as (
        -- Numeric, so that the order of the rows makes no difference.
        select artist, tag, sum(weight) as weight
        from pg_temp.staged_tags
        group by artist, tag
    ), ranked as (
        select artist, tag, weight,
               row_number() over (partition by artist order by weight desc, tag collate "C") as rank
        from weighed
    ), told as materialized (
        select artist, array_agg(tag order by rank) as tags,
               array_agg(weight::double precision order by rank) as weights
        from ranked
        where rank <= 50
        group by artist
    ), gone as (
        delete from refrain.artist_tags t
        where is_whole and not exists (select from told where told.artist = t.artist)
        returning 1
    ), stored as (
        insert into refrain.artist_tags as t (artist, tags, weights)
        select artist, tags, weights from told
        order by artist
        on conflict (artist) do update set tags = excluded.tags, weights = excluded.weights
            where (t.tags, t.weights) is distinct from (excluded.tags, excluded.weights)
        returning 1
    )
    select (select count(*) from told), (select count(*) from stored), (select count(*) from gone)
    into artists, changed, removed;
    truncate pg_temp.staged_tags;
end
$$;
comment on function refrain.tags_apply is
    'all: gives the artists that have been staged the tags that were staged for them, in place of '
    'what they had; the weights of rows with the same artist and tag add up. is_whole: others keep '
    'none. How many artists, of how many the tags are new, and how many have none any more';

-- ── what changes raise ──

create or replace trigger artist_tags_inserted after insert on refrain.artist_tags
referencing new table as added
for each statement execute function refrain.catalogue_changed();

create or replace trigger artist_tags_updated after update on refrain.artist_tags
referencing old table as removed new table as added
for each statement execute function refrain.catalogue_changed();

create or replace trigger artist_tags_deleted after delete on refrain.artist_tags
referencing old table as removed
for each statement execute function refrain.catalogue_changed();

create or replace trigger artist_tags_truncated after truncate on refrain.artist_tags
for each statement execute function refrain.catalogue_changed();
