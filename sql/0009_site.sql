-- What all public users listen to, counted beside what each of them does (functions/site.sql).

-- The site is a user, so that what is read of it goes through the same cache. Nobody can be asked
-- for, or log in, by this name: a folded one is neither empty nor blank.
insert into refrain.users (id, name, name_key, public)
overriding system value values (0, '', ' ', true);
-- Where the trigger that gives users their versions is there already, it has done so.
insert into refrain.user_version (user_id, bucket, subject, live, past, auth)
select 0, get_byte(s.hash, 0), substring(s.hash for 16), s.now_us, s.now_us, s.now_us
from (select sha256(convert_to(' ', 'UTF8')) as hash,
             (date_part('epoch', clock_timestamp()) * 1000000)::bigint as now_us) s
on conflict (user_id) do nothing;
comment on table refrain.users is
    'Accounts. name is as spelt by the user; name_key, folded, decides who is who. '
    'An id is never used again. 0 is no account: it stands for all public users.';

alter table refrain.user_version add column is_counted boolean not null default false;
comment on column refrain.user_version.is_counted is
    'Whether the listens of this user count for the site. It follows from the account being '
    'public, after a moment (site_moves), and changes together with what has been counted.';

-- Only added to, and taken from by one session at a time, which reads it from end to end: it needs
-- no index, but an early vacuum.
create table refrain.site_deltas (
    user_id      int not null,
    listened_at  timestamptz not null,
    artist_id    bigint not null,
    release_id   bigint,
    recording_id bigint not null,
    listens      int not null
) with (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000
);
comment on table refrain.site_deltas is
    'Listens that came (1) or went (-1), of users who are counted, and are still to be added to '
    'what the site has (site_fold).';

-- No key: a change that is not committed yet must not be taken for one that is.
create table refrain.site_moves (
    user_id int not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table refrain.site_moves is
    'Users who have become public or private, or have been deleted, since their listens were last '
    'added to the site or taken from it (site_move).';

create table refrain.site_tallies (
    period    int not null,
    kind      smallint not null,
    entity_id bigint not null,
    listens   bigint not null,
    primary key (period, kind, entity_id)
) with (autovacuum_vacuum_scale_factor = 0.05);
comment on table refrain.site_tallies is
    'Listens that all counted users have of each artist (kind 1), release (2) and recording (3) in '
    'a period (site_period).';
-- Not of all rows, so that a row is never looked up by what comes before its listens here: that
-- seems as good as the key where PostgreSQL does not know yet how much there is.
create index site_tallies_chart on refrain.site_tallies (
    period, kind, listens desc, entity_id) where listens > 0;

create table refrain.site_totals (
    period     int primary key,
    artists    bigint not null,
    releases   bigint not null,
    recordings bigint not null,
    listens    bigint not null
) with (fillfactor = 50);
comment on table refrain.site_totals is
    'How many artists, releases and recordings all counted users listened to in a period, and how '
    'many listens they have.';

-- Listens are in no index, and pages have room: nothing but the row is written when they change.
create table refrain.site_hours (
    step      int not null,
    artist_id bigint not null,
    hours     int[] not null,
    primary key (step, artist_id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
comment on table refrain.site_hours is
    'When all counted users listened to an artist: in each of the 24 hours (UTC) of the days of a '
    'step, which is a year, of late also a month, and of very late also a day (site_steps).';

create table refrain.site_listeners (
    artist_id  bigint not null,
    release_id bigint not null,
    step       int not null,
    user_id    int not null,
    listens    int not null,
    primary key (step, artist_id, release_id, user_id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
comment on table refrain.site_listeners is
    'Who listened to an artist in a step (site_steps), by release; release 0: on none.';

-- By MBID they are asked for.
create index artists_mbid on refrain.artists ((mbids[1])) where cardinality(mbids) = 1;
create index releases_mbid on refrain.releases (mbid) where mbid is not null;
create index releases_group on refrain.releases (group_mbid) where group_mbid is not null;

-- Everybody's listens are still to be counted.
insert into refrain.site_moves (user_id) select id from refrain.users where public and id > 0;
