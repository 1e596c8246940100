#!lua
-- Stores what was read from the database in one snapshot.
--   keys  v, the user's versions; k, a fill lock; then the values' keys
--   args  the lease that was had before the snapshot ("L<nonce>"; empty: none); epoch, live, past and
--         auth of the snapshot; life of v in ms; nonce of the fill lock (empty: none); then for each
--         value its life in ms and its bytes
--   gives "stored", or why nothing was: "lease" (v is absent, or another lease) or "version" (v is
--         newer)
-- v becomes a number here alone, and only in place of the lease: whatever was applied since the lease
-- was taken has deleted it. Of a number every part must be reached, whatever the epoch: the live of an
-- older epoch tells of a commit too.
local v = text(KEYS[1])
local was = versions(v)
local outcome = 'stored'
if not was then
    if v == '' or v ~= ARGV[1] then
        outcome = 'lease'
    end
else
    for i = 1, 4 do
        if older(ARGV[i + 1], was[i]) then
            outcome = 'version'
        end
    end
end
if outcome == 'stored' then
    local mine = table.concat(ARGV, ' ', 2, 5)
    if v ~= mine then
        redis.call('SET', KEYS[1], mine, 'PX', ARGV[6])
    end
    for i = 3, #KEYS do
        redis.call('SET', KEYS[i], ARGV[2 * i + 3], 'PX', ARGV[2 * i + 2])
    end
end
if ARGV[7] ~= '' and text(KEYS[2]) == ARGV[7] then
    redis.call('DEL', KEYS[2])
end
return outcome
