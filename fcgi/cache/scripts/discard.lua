#!lua flags=allow-oom
-- Removes a key if it still holds what it held: versions that the database does not know, since they
-- tell of a commit that it has lost; or a fill lock that is given up.
--   keys  the key
--   args  what it held
--   gives 1 if it still did
if text(KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
