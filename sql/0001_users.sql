-- Who there is, what they may do, and the counters that tell how fresh cached values are.
-- Triggers (functions/users.sql, functions/tallies.sql) raise the counters, whoever makes a change.

create table refrain.users (
    id            int generated always as identity primary key,
    name          text not null,
    name_key      text not null unique,
    password_hash text,
    public        boolean not null default false,
    admin         boolean not null default false,
    time_zone     text not null default 'UTC',
    created_at    timestamptz not null default now()
);
comment on table refrain.users is
    'Accounts. name is as spelt by the user; name_key, folded, decides who is who. '
    'An id is never used again.';

create table refrain.tokens (
    hash         bytea primary key,
    user_id      int not null references refrain.users on delete cascade,
    name         text not null,
    scopes       smallint not null,
    created_at   timestamptz not null default now(),
    last_used_at timestamptz,
    unique (user_id, name)
);
comment on table refrain.tokens is
    'Tokens, by the hash of the secret. scopes is a bit mask: 1 submit, 2 read, 4 manage. '
    'The one that every account has is named main.';

-- Deliberately no reference to users: the row outlives the account, so that a version never goes
-- back. Every listen updates one; free space keeps that within its page and off the index.
create table refrain.user_version (
    user_id    int primary key,
    bucket     smallint not null,
    live       bigint not null,
    past       bigint not null,
    auth       bigint not null,
    changed_at timestamptz not null default now(),
    deleted_at timestamptz
) with (fillfactor = 50);
comment on table refrain.user_version is
    'Counters that only rise: live with any change of listens, past when that reaches back before '
    'today (UTC), auth when the account or its tokens change. changed_at belongs to live. '
    'Whoever counts a user''s listens locks the row first. With deleted_at it is a tombstone.';

create table refrain.purges (
    user_id int primary key
);
comment on table refrain.purges is
    'Deleted users whose listens and tallies are still to be removed (user_purge).';

-- Spread over many pages, so that by the planner's default costs, too, one row is had by the index.
create table refrain.cache_epoch (
    bucket smallint primary key check (bucket between 0 and 255),
    epoch  bigint not null
) with (fillfactor = 10);
comment on table refrain.cache_epoch is
    'An epoch for each bucket of users. Raising it makes all cached values of the bucket invalid.';

create table refrain.generation (
    name  text primary key,
    value bigint not null
);
comment on table refrain.generation is
    'Counters of what values of many users depend on: people (who exists and who is public), '
    'catalogue (names and MBIDs), model.';

-- Counters begin at the clock: a database made anew is ahead of what was cached from the old one.
insert into refrain.cache_epoch (bucket, epoch)
select bucket, (extract(epoch from clock_timestamp()) * 1000000)::bigint
from generate_series(0, 255) bucket;

insert into refrain.generation (name, value)
select name, (extract(epoch from clock_timestamp()) * 1000000)::bigint
from unnest(array['people', 'catalogue', 'model']) name;
