-- Acquires or renews the lead. KEYS: lease, meta, refresh-asked, refreshed.
-- ARGV: leader, lease in ms, now in ms if the leader has caught up (else empty), minimum ms between refreshes.
-- Returns 0 if another leads, 1 if this one leads, 2 if it leads and a refresh is due.
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if ARGV[3] ~= '' and redis.call('HEXISTS', KEYS[2], 'position') == 1 then
  redis.call('HSET', KEYS[2], 'as_of', ARGV[3])
end
if redis.call('EXISTS', KEYS[3]) == 1 and redis.call('SET', KEYS[4], 1, 'NX', 'PX', ARGV[4]) then
  redis.call('DEL', KEYS[3])
  return 2
end
return 1
