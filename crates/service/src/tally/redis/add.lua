-- Adds to totals at the expected position. KEYS: totals, meta.
-- ARGV: expected position, new position, then alternately value and delta. Returns 0 if they are at another position.
if redis.call('HGET', KEYS[2], 'position') ~= ARGV[1] then return 0 end
for i = 3, #ARGV, 2 do
  if redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) <= 0 then
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
redis.call('HSET', KEYS[2], 'position', ARGV[2])
return 1
