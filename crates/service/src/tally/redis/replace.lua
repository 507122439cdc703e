-- Replaces the counts of campaigns at the expected position. KEYS: meta, then hashes of counts.
-- ARGV: expected position (empty: no counts), new position, now in ms, number of campaigns, alternately campaign and
-- definition, then alternately number of the hash in KEYS, field and count. Returns 0 if they are at another position.
local meta = KEYS[1]
local position = redis.call('HGET', meta, 'position') or ''
if position ~= ARGV[1] then return 0 end
redis.call('HSET', meta, 'position', ARGV[2])
redis.call('HSETNX', meta, 'as_of', ARGV[3])
local campaigns = tonumber(ARGV[4])
for i = 5, 4 + 2 * campaigns, 2 do
  -- The first revision differs from those before Redis was emptied.
  redis.call('HSETNX', meta, 'revision:' .. ARGV[i], ARGV[3])
  redis.call('HINCRBY', meta, 'revision:' .. ARGV[i], 1)
  redis.call('HSET', meta, 'definition:' .. ARGV[i], ARGV[i + 1])
end
for i = 2, #KEYS do
  redis.call('DEL', KEYS[i])
end
for i = 5 + 2 * campaigns, #ARGV, 3 do
  redis.call('HSET', KEYS[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 2])
end
return 1
