-- All functions behind statistics take the same parameters (functions/statistics.sql): those that
-- took others make room.
drop function if exists refrain.stats_artists(int, bigint, bigint, int, int, int);
drop function if exists refrain.stats_releases(int, bigint, bigint, int, int, int);
drop function if exists refrain.stats_recordings(int, bigint, bigint, int, int, int);
drop function if exists refrain.stats_genres(int, bigint, bigint, int, int, int);
