-- Begins every script, after its first line.

-- A key's string; empty for none, or for something that is no string.
local function text(key)
    local value = redis.pcall('GET', key)
    return type(value) == 'string' and value or ''
end

-- epoch, live, past, auth; nil if v is no number.
local function versions(v)
    return v:match('^(%d+) (%d+) (%d+) (%d+)$')
end

-- Of decimal numbers as text: beyond 2^53 Lua would round them.
local function older(a, b)
    return #a < #b or (#a == #b and a < b)
end

-- Tells v of a committed change. It never creates v: that could bring back an old number after v was
-- evicted. A lease goes, for who holds it may have read too early.
local function apply(key, epoch, live, past, auth, life)
    local v = text(key)
    local was_epoch, was_live, was_past, was_auth = versions(v)
    if not was_epoch then
        redis.call('DEL', key)
    elseif older(was_epoch, epoch) then
        redis.call('SET', key, table.concat({epoch, live, past, auth}, ' '), 'PX', life)
    elseif was_epoch == epoch then
        local mine = table.concat({
            epoch, older(was_live, live) and live or was_live,
            older(was_past, past) and past or was_past, older(was_auth, auth) and auth or was_auth}, ' ')
        if mine ~= v then
            redis.call('SET', key, mine, 'PX', life)
        end
    end
end
