-- What a program asks before it serves a database.

create or replace function refrain.schema_state()
returns table (version int, compatible_from int)
language sql stable as $$
    -- compatible_from: the oldest schema version that a program must have been written for to work
    -- on this one. Raised by hand, with the migration that breaks older programs.
    select max(substring(m.name from '^\d+')::int), 13
    from refrain.schema_migration m;
$$;

comment on function refrain.schema_state() is
    'directory: The number of the newest migration, and the oldest program that may use it.';
