-- Removes the entries of a stream that every group has acknowledged. KEYS: stream.
local first = nil

local function is_before(a, b)
    local a_ms, a_number = a:match('(%d+)-(%d+)')
    local b_ms, b_number = b:match('(%d+)-(%d+)')
    if a_ms ~= b_ms then
        return #a_ms < #b_ms or (#a_ms == #b_ms and a_ms < b_ms)
    end
    return #a_number < #b_number or (#a_number == #b_number and a_number < b_number)
end

for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local group = {}
    for i = 1, #info, 2 do group[info[i]] = info[i + 1] end
    local id = group['last-delivered-id']
    local pending = redis.call('XPENDING', KEYS[1], group['name'])
    if pending[1] > 0 and is_before(pending[2], id) then id = pending[2] end
    if first == nil or is_before(id, first) then first = id end
end
if first then redis.call('XTRIM', KEYS[1], 'MINID', '~', first) end
