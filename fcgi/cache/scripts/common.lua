-- Begins every script, after its first line.

-- A key's string; empty for none, or for something that is no string.
local function text(key)
    local value = redis.pcall('GET', key)
    return type(value) == 'string' and value or ''
end

-- Of a number as the program writes it: it must be one for the program too.
local function canonical(number)
    return #number <= 18 and (number == '0' or number:sub(1, 1) ~= '0')
end

-- {epoch, live, past, auth}; nil if v is no number.
local function versions(v)
    local found = {v:match('^(%d+) (%d+) (%d+) (%d+)$')}
    for i = 1, 4 do
        if not found[i] or not canonical(found[i]) then
            return nil
        end
    end
    return found
end

-- Of decimal numbers as text: beyond 2^53 Lua would round them.
local function older(a, b)
    return #a < #b or (#a == #b and a < b)
end

-- Tells v of a committed change. It never creates v: that could bring back an old number after v was
-- evicted. A lease goes, for who holds it may have read too early. The epoch is a counter like the
-- others: a writer may have read it just before it was raised, and tells of a commit all the same.
local function apply(key, epoch, live, past, auth, life)
    local was = versions(text(key))
    if not was then
        redis.call('DEL', key)
        return
    end
    local is_newer = false
    for i, number in ipairs({epoch, live, past, auth}) do
        if older(was[i], number) then
            was[i] = number
            is_newer = true
        end
    end
    if is_newer then
        redis.call('SET', key, table.concat(was, ' '), 'PX', life)
    end
end
