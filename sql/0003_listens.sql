-- Listens, and what is counted from them. Only listens is written to by hand: its triggers
-- (functions/tallies.sql) keep the rest exact in the same transaction.
-- The tables of counts have no CHECK constraints: they would cost a single listen a tenth of its
-- time. verify_user checks far more.

-- No references to users (a deleted user's listens go bit by bit) nor to the catalogue (listen_add
-- looks). The key includes artist and release, so that any window is counted from the index
-- alone; that needs the visibility map, hence the early vacuum.
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
    'Every listen. The three names are null unless this listen is spelt otherwise than the '
    'catalogue. info is additional_info, flattened, without submission_client (which is client); '
    'metadata holds the other keys of track_metadata.';

create table refrain.tallies (
    user_id   int not null,
    period    smallint not null,
    kind      smallint not null,
    entity_id bigint not null,
    listens   int not null,
    first_at  timestamptz,
    last_at   timestamptz,
    weight    double precision,
    primary key (user_id, period, kind, entity_id)
) with (autovacuum_vacuum_scale_factor = 0.05);
comment on table refrain.tallies is
    'Listens of each artist (kind 1), release (2) and recording (3), by user and period: 0 is all '
    'time, else a calendar year (UTC). All-time rows also hold the first and last listen and a '
    'weight that halves in 180 days (listen_weight).';

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
    'Sums of tallies: how many entities, how many listens. A listen without a release is in no '
    'tally of kind 2.';

create table refrain.listen_days (
    user_id int not null,
    day     date not null,
    listens int not null,
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
comment on type refrain.listen_key is 'What counting needs to know of a listen.';

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
    'What every read answers: a row for each entry, one row with a null entry where there is none. '
    'The versions and the database time that the answer belongs to; how many entries there are in '
    'all; members of the envelope, as JSON without braces; the entry, a JSON object, and the '
    'number that it goes by.';
