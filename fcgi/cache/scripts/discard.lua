#!lua flags=allow-oom
-- Removes versions that the database does not know: they tell of a commit that it has lost.
--   keys  v, the user's versions
--   args  what v held before the database was read
--   gives 1 if that was still there
if text(KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
