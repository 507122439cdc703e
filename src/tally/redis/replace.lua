-- Replaces totals that stand where the writer believes. KEYS: totals, meta.
-- ARGV: position before (empty: none), position after, now in ms, then value and total in turn.
-- Answers 0 where they stand elsewhere.
if (redis.call('HGET', KEYS[2], 'position') or '') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
for i = 4, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('HSET', KEYS[2], 'position', ARGV[2], 'as_of', ARGV[3])
return 1
