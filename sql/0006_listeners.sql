-- What listeners tell beside their listens: what is playing, what they love, whom they follow.

-- Users are found by names that resemble what is typed.
create extension if not exists pg_trgm with schema refrain;
create index users_name_trigrams on refrain.users
    using gist (name_key refrain.gist_trgm_ops) where public;

-- Gone after a crash, which nobody minds: it is true for minutes.
create unlogged table refrain.playing_now (
    user_id    int primary key references refrain.users on delete cascade,
    metadata   jsonb not null,
    expires_at timestamptz not null
) with (fillfactor = 50);
comment on table refrain.playing_now is
    'What somebody listens to. metadata is track_metadata as it is answered. No change of it raises '
    'a version: it is read by key, and never cached.';

create table refrain.feedback (
    id             bigint generated always as identity primary key,
    user_id        int not null references refrain.users on delete cascade,
    recording_msid uuid,
    recording_mbid uuid,
    score          smallint not null check (score in (-1, 1)),
    created_at     timestamptz not null default now(),
    check (num_nonnulls(recording_msid, recording_mbid) > 0)
);
comment on table refrain.feedback is
    'Recordings that somebody loves (1) or hates (-1), by what his client knew them by. They need '
    'not be in the catalogue.';
create unique index feedback_msid on refrain.feedback (user_id, recording_msid);
create unique index feedback_mbid on refrain.feedback (user_id, recording_mbid);
create index feedback_newest on refrain.feedback (user_id, created_at desc, id desc);
create index feedback_newest_scored on refrain.feedback (
    user_id, score, created_at desc, id desc);
create index feedback_of_msid on refrain.feedback (recording_msid, created_at desc, id desc)
    where recording_msid is not null;
create index feedback_of_mbid on refrain.feedback (recording_mbid, created_at desc, id desc)
    where recording_mbid is not null;

comment on table refrain.user_version is
    'Counters that only rise: live with any change of listens or feedback, past when that reaches '
    'back before today (UTC), as feedback always does, auth when the account or its tokens change. '
    'changed_at belongs to live. Whoever changes what is counted for a user locks the row first. '
    'With deleted_at it is a tombstone. subject is what the cache knows the user by '
    '(user_subject), and bucket its first byte.';

create table refrain.follows (
    follower_id int not null references refrain.users on delete cascade,
    followed_id int not null references refrain.users on delete cascade,
    created_at  timestamptz not null default now(),
    primary key (follower_id, followed_id),
    check (follower_id <> followed_id)
);
comment on table refrain.follows is 'Who follows whom.';
create index follows_followed on refrain.follows (followed_id, follower_id);

create table refrain.latest_imports (
    user_id int not null references refrain.users on delete cascade,
    service text not null,
    ts      bigint not null,
    primary key (user_id, service)
);
comment on table refrain.latest_imports is
    'Up to which second somebody''s client has brought his listens over from another service.';

create index recordings_mbid on refrain.recordings (mbid, id) where mbid is not null;

-- Asked for a span of days since.
drop function if exists refrain.history_index(int, bigint);
