-- When each page was last read: one that nobody looks at any more is not computed ahead for as long
-- as others of the same user are read.

truncate refrain.reading;
alter table refrain.reading add column views_at timestamptz[] not null;
comment on table refrain.reading is
    'Users whose pages have been read within 30 days: when that was last, by what names fcgi/view '
    'knows the pages that were read of late, and when each of these was.';

drop function if exists refrain.reading_note(int[], text[]);
