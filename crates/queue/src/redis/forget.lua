-- Removes consumers of a group that hold no entries: the one named, or those that were idle for long.
-- KEYS: stream. ARGV: group, name or '', idle time in ms.
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
    local consumer = {}
    for i = 1, #info, 2 do consumer[info[i]] = info[i + 1] end
    local is_unused = consumer['name'] == ARGV[2] or consumer['idle'] > tonumber(ARGV[3])
    if consumer['pending'] == 0 and is_unused then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer['name'])
    end
end
