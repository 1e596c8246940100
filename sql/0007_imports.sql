-- Files of listens on their way in.

create table refrain.import_jobs (
    id          int generated always as identity primary key,
    user_id     int not null references refrain.users on delete cascade,
    state       text not null check (
        state in ('uploading', 'waiting', 'running', 'done', 'failed', 'cancelled')),
    is_upload   boolean not null,
    file_name   text not null,
    digest      text,
    size_bytes  bigint not null default 0,
    source_user text,
    play_min_ms bigint not null,
    created_at  timestamptz not null default now(),
    started_at  timestamptz,
    changed_at  timestamptz not null default now(),
    ended_at    timestamptz,
    run_at      timestamptz,
    run_rows    bigint not null default 0,
    attempts    int not null default 0,
    retry_at    timestamptz not null default now(),
    format      text,
    rows_total  bigint,
    rows        bigint not null default 0,
    accepted    bigint not null default 0,
    duplicate   bigint not null default 0,
    skipped     jsonb not null default '{}',
    refused     bigint not null default 0,
    error       text
);
comment on table refrain.import_jobs is
    'Imports of files, one a row, kept as their reports. An upload lies in import_pieces and is '
    'done by a worker; any other file is read by the command that was given it, which knows it '
    'again by digest. rows have been dealt with and are told apart by accepted, duplicate, skipped '
    '(a count for each reason) and refused; all five change together with the listens, in one '
    'transaction. run_at and run_rows tell when and where the present run began to store, changed_at '
    'when anything came of it last; attempts counts the runs that began where this one did, itself '
    'among them, and retry_at is when the next such may. Whoever holds the session lock (import_try_lock) works on it.';
create index import_jobs_newest on refrain.import_jobs (user_id, id desc);
create index import_jobs_open on refrain.import_jobs (id)
    where state in ('uploading', 'waiting', 'running');
create index import_jobs_ended on refrain.import_jobs (ended_at) where ended_at is not null;

create table refrain.import_pieces (
    job_id int not null references refrain.import_jobs on delete cascade,
    number int not null,
    data   bytea not null,
    primary key (job_id, number)
);
comment on table refrain.import_pieces is
    'An uploaded file, in pieces numbered from 0; gone when its import has ended.';
-- Most are compressed already, or are read once.
alter table refrain.import_pieces alter column data set storage external;

create table refrain.import_refusals (
    job_id int not null references refrain.import_jobs on delete cascade,
    row    bigint not null,
    file   text not null,
    line   bigint not null,
    reason text not null,
    primary key (job_id, row)
);
comment on table refrain.import_refusals is
    'Rows of a file that were no listens, the first ten thousand of an import. The line counts '
    'lines or items of the file, or of the member of a zip.';
