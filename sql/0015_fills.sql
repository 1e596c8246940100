-- That MBIDs have become known, which others may see later (functions/catalogue.sql).

create table refrain.catalogue_fills (
    filled_at timestamptz not null default now()
);
comment on table refrain.catalogue_fills is
    'A row for each statement that filled in MBIDs, until the catalogue''s generation is raised for '
    'it (catalogue_refresh). Only added to by others, so that nobody waits, and what is not '
    'committed yet stays.';
