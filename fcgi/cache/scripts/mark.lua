#!lua flags=allow-oom
-- A relay takes over buckets that nobody vouches for, before it reads the database for them.
--   keys  for each bucket: hb, pos
--   args  nonce, life of the mark in ms
--   gives for each bucket: 0 if somebody vouches for it or is taking it over; else pos as it was at
--         that very moment (empty: none)
local answer = {}
for i = 1, #KEYS, 2 do
    if text(KEYS[i]):match('^[LB] ') and redis.call('PTTL', KEYS[i]) > 0 then
        answer[#answer + 1] = 0
    else
        redis.call('SET', KEYS[i], 'B ' .. ARGV[1], 'PX', ARGV[2])
        answer[#answer + 1] = text(KEYS[i + 1])
    end
end
return answer
