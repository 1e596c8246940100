-- What `refrain migrate` itself needs, made anew at each run. Several runs may start at once.

select pg_advisory_xact_lock(1383491374);

create schema if not exists refrain;

comment on schema refrain is 'Everything of Refrain. All access goes through its functions.';

create table if not exists refrain.schema_migration (
    name       text primary key,
    checksum   text not null,
    applied_at timestamptz not null default now()
);

comment on table refrain.schema_migration is
    'Migrations that have been applied, with the SHA-256 of their files.';

create or replace function refrain.migration_lock() returns void
language sql as $$
    select pg_advisory_lock(1383491375);
$$;

comment on function refrain.migration_lock() is
    'directory: Waits until no other migration runs; held until the connection ends.';

create or replace function refrain.migration_checksum(name text) returns text
language sql stable as $$
    select m.checksum from refrain.schema_migration m where m.name = migration_checksum.name;
$$;

comment on function refrain.migration_checksum(text) is
    'directory: The checksum under which a migration was applied, or null.';

create or replace function refrain.migration_record(name text, checksum text) returns void
language sql as $$
    insert into refrain.schema_migration (name, checksum)
    values (migration_record.name, migration_record.checksum);
$$;

comment on function refrain.migration_record(text, text) is
    'directory: Notes a migration as applied, in its own transaction.';
