-- Takes one token from every bucket, or none from any. KEYS: the buckets. ARGV, for each key: microseconds until one
-- token returns, microseconds until an empty bucket is full. Returns the microseconds to wait; 0: taken.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at, wait = {}, 0
for place, key in ipairs(KEYS) do
  local before = tonumber(redis.call('GET', key) or 0)
  full_at[place] = math.max(before, now) + tonumber(ARGV[2 * place - 1])
  wait = math.max(wait, full_at[place] - now - tonumber(ARGV[2 * place]))
end
if wait > 0 then return wait end
for place, key in ipairs(KEYS) do
  local ttl = math.ceil((full_at[place] - now) / 1000)
  redis.call('SET', key, string.format('%.0f', full_at[place]), 'PX', math.max(ttl, 1))
end
return 0
