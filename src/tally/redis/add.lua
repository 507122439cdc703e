-- Adds to totals that stand where the writer believes. KEYS: totals, meta.
-- ARGV: position before, position after, then value and delta in turn. Answers 0 where they stand elsewhere.
if redis.call('HGET', KEYS[2], 'position') ~= ARGV[1] then return 0 end
for i = 3, #ARGV, 2 do
  if redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) <= 0 then
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
redis.call('HSET', KEYS[2], 'position', ARGV[2])
return 1
