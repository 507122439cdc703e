-- Gives one back. KEYS: the rate. ARGV: microseconds in which one comes back by itself.
local full_at = redis.call('GET', KEYS[1])
if full_at then
  redis.call('SET', KEYS[1], string.format('%.0f', full_at - ARGV[1]), 'KEEPTTL')
end
