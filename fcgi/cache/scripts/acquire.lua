#!lua
-- Takes or joins the lease on a user's versions, before the database is read for them.
--   keys  v, the user's versions
--   args  nonce, life of a lease in ms
--   gives what v holds now: the versions, or the lease, which may be somebody else's: it is shared
local v = text(KEYS[1])
if v:sub(1, 1) == 'L' or versions(v) then
    return v
end
v = 'L' .. ARGV[1]
redis.call('SET', KEYS[1], v, 'PX', ARGV[2])
return v
