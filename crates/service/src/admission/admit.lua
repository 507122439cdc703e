-- Returns tokens, then takes one token from every bucket, or none from any, and consumes a proof of work. KEYS: the
-- buckets to return to, the buckets to take from, the proof if there is one. ARGV: the number of buckets to return to, and
-- to take from; for each bucket, microseconds until one token returns by itself and until an empty bucket is full; for the
-- proof its consumer and milliseconds until it expires. Returns the microseconds to wait; 0: taken; -1: taken, but the
-- proof was consumed by another.
local returned, taken = tonumber(ARGV[1]), tonumber(ARGV[2])
for place = 1, returned do
  local full_at = redis.call('GET', KEYS[place])
  if full_at then
    redis.call('SET', KEYS[place], string.format('%.0f', full_at - ARGV[2 * place + 1]), 'KEEPTTL')
  end
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at, wait = {}, 0
for place = returned + 1, returned + taken do
  local before = tonumber(redis.call('GET', KEYS[place]) or 0)
  full_at[place] = math.max(before, now) + tonumber(ARGV[2 * place + 1])
  wait = math.max(wait, full_at[place] - now - tonumber(ARGV[2 * place + 2]))
end
if wait > 0 then return wait end
for place = returned + 1, returned + taken do
  local ttl = math.ceil((full_at[place] - now) / 1000)
  redis.call('SET', KEYS[place], string.format('%.0f', full_at[place]), 'PX', math.max(ttl, 1))
end
local proof = KEYS[returned + taken + 1]
if proof then
  local consumer, ttl = ARGV[#ARGV - 1], ARGV[#ARGV]
  if not redis.call('SET', proof, consumer, 'NX', 'PX', ttl) and redis.call('GET', proof) ~= consumer then return -1 end
end
return 0
