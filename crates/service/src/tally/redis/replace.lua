-- Replaces totals at the expected position. KEYS: totals, meta.
-- ARGV: expected position (empty: no totals), new position, now in ms, then alternately value and total.
-- Returns 0 if they are at another position.
if (redis.call('HGET', KEYS[2], 'position') or '') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
for i = 4, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('HSET', KEYS[2], 'position', ARGV[2], 'as_of', ARGV[3])
return 1
