-- What can be listened to. An id is the first 63 bits of the msid, which is made of the folded
-- names: nothing has to be looked up to store a listen, and every server computes the same.

create table refrain.artists (
    id       bigint primary key,
    msid     uuid not null,
    name     text not null,
    name_key text not null,
    mbids    uuid[]
);
comment on table refrain.artists is
    'Artist credits by folded name; one that joins several artists has several mbids.';

create table refrain.releases (
    id         bigint primary key,
    msid       uuid not null,
    artist_id  bigint not null references refrain.artists,
    name       text not null,
    name_key   text not null,
    mbid       uuid,
    group_mbid uuid
);
comment on table refrain.releases is 'Releases by folded artist and name.';

create table refrain.recordings (
    id         bigint primary key,
    msid       uuid not null,
    artist_id  bigint not null references refrain.artists,
    release_id bigint references refrain.releases,
    name       text not null,
    name_key   text not null,
    mbid       uuid
);
comment on table refrain.recordings is
    'Recordings by folded artist, track and release (which may be unknown).';
