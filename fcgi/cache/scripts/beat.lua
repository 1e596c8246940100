#!lua flags=allow-oom
-- Ends a round: applies changes and extends heartbeats, in one step, for the buckets that the relay
-- still holds. It ends a take-over as well: then what it expects is its mark.
--   keys  for each bucket: hb, pos, then v of each user whose change is to be applied
--   args  the first words of hb as this relay left it ("L <nonce> " or "B <nonce>"); the first words
--         of the new one; its words after the epoch; life of hb in ms; the new pos; life of v in ms;
--         then for each bucket: its epoch, how many changes, and for each change live, past, auth
--   gives for each bucket: 1, or 0 if it is not held and nothing was done
-- A round of many changes is several calls. But the last all keep hb's life and leave pos (both
-- empty), and change hb all the same: should Redis fail over between two of them, the next finds
-- another hb than it expects, and what was lost with the first is applied again.
local expected, first, last, life, pos, v_life = unpack(ARGV, 1, 6)
local answer, key, arg = {}, 1, 7
while key <= #KEYS do
    local hb = text(KEYS[key])
    local epoch, changes = ARGV[arg], tonumber(ARGV[arg + 1])
    local is_held = hb:sub(1, #expected) == expected
    if is_held then
        for i = 1, changes do
            local at = arg + 3 * i - 1
            apply(KEYS[key + 1 + i], epoch, ARGV[at], ARGV[at + 1], ARGV[at + 2], v_life)
        end
        if life == '' then
            redis.call('SET', KEYS[key], first .. hb:sub(#expected + 1), 'KEEPTTL')
        else
            redis.call('SET', KEYS[key], first .. epoch .. ' ' .. last, 'PX', life)
            redis.call('SET', KEYS[key + 1], pos)
        end
    end
    answer[#answer + 1] = is_held and 1 or 0
    key = key + 2 + changes
    arg = arg + 2 + 3 * changes
end
return answer
