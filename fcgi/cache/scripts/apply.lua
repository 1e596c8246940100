#!lua flags=allow-oom
-- Tells of a committed change. It may run late, or twice.
--   keys  v, the user's versions
--   args  epoch, live, past, auth; life of v in ms
apply(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return 1
