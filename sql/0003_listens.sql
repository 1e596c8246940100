-- Listens, and what is counted from them. Only listens is written to by hand: its triggers (functions/listens.sql)
-- keep the other tables exact in the same transaction.

-- No references to users (a deleted user's listens are removed bit by bit) nor to the catalogue (listen_add checks that
-- once for each recording in a batch). The key includes artist and release, so that any window is counted from the
-- index alone. Index-only reads need the visibility map: vacuum early.
create table refrain.listens (
    user_id      int not null,
    listened_at  timestamptz not null,
    recording_id bigint not null,
    artist_id    bigint not null,
    release_id   bigint,
    inserted_at  timestamptz not null default now(),
    duration_ms  bigint,
    client       text,
    artist_name  text,
    track_name   text,
    release_name text,
    info         jsonb,
    metadata     jsonb,
    primary key (user_id, listened_at, recording_id) include (artist_id, release_id)
) with (
    autovacuum_vacuum_insert_scale_factor = 0.01,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_analyze_scale_factor = 0.02
);
comment on table refrain.listens is
    'Every listen. The three names are null unless this listen is spelt otherwise than the catalogue. info is additional_info, flattened, without submission_client (which is client); metadata holds the other keys of track_metadata.';

create table refrain.tallies (
    user_id   int not null,
    period    smallint not null,
    kind      smallint not null check (kind between 1 and 3),
    entity_id bigint not null,
    listens   int not null check (listens >= 0),
    first_at  timestamptz,
    last_at   timestamptz,
    weight    double precision,
    primary key (user_id, period, kind, entity_id)
) with (autovacuum_vacuum_scale_factor = 0.05);
comment on table refrain.tallies is
    'Listens of each artist (kind 1), release (2) and recording (3), by user and period: 0 is all time, else a calendar year (UTC). All-time rows also hold the first and last listen and a weight that halves in 180 days (listen_weight).';

-- The order of every chart; ties go by entity, so that pages never overlap.
create index tallies_chart on refrain.tallies (user_id, period, kind, listens desc, entity_id);

create table refrain.totals (
    user_id  int not null,
    period   smallint not null,
    kind     smallint not null,
    entities bigint not null,
    listens  bigint not null,
    primary key (user_id, period, kind)
) with (fillfactor = 50);
comment on table refrain.totals is
    'Sums of tallies: how many entities, how many listens. Listens without a release are in no release''s tally.';

create table refrain.listen_days (
    user_id int not null,
    day     date not null,
    listens int not null check (listens >= 0),
    primary key (user_id, day)
) with (fillfactor = 80);
comment on table refrain.listen_days is 'Listens of each day (UTC), by user.';

create type refrain.listen_key as (
    user_id      int,
    listened_at  timestamptz,
    recording_id bigint,
    artist_id    bigint,
    release_id   bigint
);
comment on type refrain.listen_key is 'Of a listen, what counting needs to know.';

create type refrain.tally_key as (
    user_id   int,
    kind      smallint,
    entity_id bigint
);
comment on type refrain.tally_key is 'Whose tally, of what, in any period.';

create type refrain.read_row as (
    epoch     bigint,
    live      bigint,
    past      bigint,
    people    bigint,
    catalogue bigint,
    as_of_us  bigint,
    total     bigint,
    meta      text,
    key       bigint,
    entry     text
);
comment on type refrain.read_row is
    'What every read answers, one row an entry, and one row with a null entry where there is none: the versions and the database time that the answer belongs to, the total, members of the envelope as JSON without braces, and the entry as a JSON object with the number that it goes by.';
