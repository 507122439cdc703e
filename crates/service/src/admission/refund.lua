-- Returns one token. KEYS: the bucket. ARGV: microseconds until one token returns by itself.
local full_at = redis.call('GET', KEYS[1])
if full_at then
  redis.call('SET', KEYS[1], string.format('%.0f', full_at - ARGV[1]), 'KEEPTTL')
end
