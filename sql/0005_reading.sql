-- Whose pages are read, so that they can be computed ahead (functions/reading.sql). None of it is
-- data that anybody reads: no trigger raises a version for it.

create table refrain.reading (
    user_id int primary key references refrain.users on delete cascade,
    read_at timestamptz not null,
    views   text[] not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
comment on table refrain.reading is
    'Users whose pages have been read within 30 days: when that was last, and by what names '
    'fcgi/view knows the pages that were read of late.';
create index reading_recent on refrain.reading (read_at, user_id);

create table refrain.reading_hour (
    hour    timestamptz primary key,
    readers bigint not null
) with (fillfactor = 50);
comment on table refrain.reading_hour is
    'How often in an hour somebody was noted in reading; of the last eight days. Only to be '
    'compared with each other.';
