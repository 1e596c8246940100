-- What the cache must be told of: which users' versions have changed, in which transaction.

-- The first half of the SHA-256 of name_key, by which the cache knows a user.
alter table refrain.user_version add column subject bytea;
comment on table refrain.user_version is
    'Counters that only rise: live with any change of listens, past when that reaches back before '
    'today (UTC), auth when the account or its tokens change. changed_at belongs to live. '
    'Whoever counts a user''s listens locks the row first. With deleted_at it is a tombstone. '
    'subject is what the cache knows the user by (user_subject), and bucket its first byte.';

update refrain.user_version v
set subject = substring(sha256(convert_to(u.name_key, 'UTF8')) for 16)
from refrain.users u
where u.id = v.user_id;

-- Only ever added to, and purged from the other end: vacuum has little to do, but soon.
create table refrain.invalidation (
    xid     xid8 not null,
    at      timestamptz not null,
    user_id int not null,
    bucket  smallint not null,
    subject bytea not null
) with (autovacuum_vacuum_scale_factor = 0.02);
comment on table refrain.invalidation is
    'Whose versions a transaction has changed, under the subject that the user has, or had. '
    'relay_poll reads it by xid, relay_purge removes what is old.';
create index invalidation_xid on refrain.invalidation (xid);

create table refrain.relay_state (
    is_only      boolean primary key default true check (is_only),
    purged       xid8 not null,
    horizon      xid8 not null,
    next_horizon xid8 not null,
    noted_at     timestamptz not null
);
comment on table refrain.relay_state is
    'One row: the highest xid that has been purged from invalidation, and below which it may be '
    'purged: horizon, and from half a minute after noted_at on next_horizon.';
insert into refrain.relay_state (purged, horizon, next_horizon, noted_at)
values ('0', '0', '0', now());

-- Emptied by PostgreSQL itself when it recovers from a crash, and on a server that is promoted: then
-- transactions may have been lost whose numbers are given out again.
create unlogged table refrain.relay_boot (id text not null);
comment on table refrain.relay_boot is
    'At most one row, made with the first raise of epochs after a crash (relay_epochs_raise).';

-- Who takes a name over is told from whoever had it before by higher versions.
create index user_version_subject on refrain.user_version (subject);

-- Every value carries all counters of its snapshot. What uses the type, or answers other columns
-- than before, is made anew with the other functions.
drop function if exists refrain.stats_artists(int, bigint, bigint, int, int, int);
drop function if exists refrain.stats_releases(int, bigint, bigint, int, int, int);
drop function if exists refrain.stats_recordings(int, bigint, bigint, int, int, int);
drop function if exists refrain.history_page(int, bigint, bigint, boolean, int);
drop function if exists refrain.history_count(int);
drop function if exists refrain.history_index(int, bigint);
drop function if exists refrain.cache_state(text, bytea);
drop function if exists refrain.user_state(int);
drop function if exists refrain.token_user(bytea);
drop type refrain.read_row;

create type refrain.read_row as (
    epoch     bigint,
    live      bigint,
    past      bigint,
    auth      bigint,
    people    bigint,
    catalogue bigint,
    model     bigint,
    as_of_us  bigint,
    total     bigint,
    meta      text,
    key       bigint,
    entry     text
);
comment on type refrain.read_row is
    'What every read answers: a row for each entry, one row with a null entry where there is none. '
    'The versions and the database time that the answer belongs to; how many entries there are in '
    'all; members of the envelope, as JSON without braces; the entry, a JSON object, and the '
    'number that it goes by.';
