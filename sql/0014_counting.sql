-- Deletions are counted as differences (functions/tallies.sql): the functions that counted anew what
-- they touched make room.
drop function if exists refrain.listens_recount(refrain.listen_key[]);
drop function if exists refrain.user_recount(int, refrain.listen_key[]);
