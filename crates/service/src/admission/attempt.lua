-- Counts an attempt unless a delay is running. KEYS: the attempt keys. ARGV: milliseconds after which a count expires,
-- then for each key: attempts without delay, maximum delay in milliseconds. Returns the milliseconds to wait; 0: counted.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local wait = 0
for _, key in ipairs(KEYS) do
  wait = math.max(wait, tonumber(redis.call('HGET', key, 'until') or 0) - now)
end
if wait > 0 then return wait end
for place, key in ipairs(KEYS) do
  local count = redis.call('HINCRBY', key, 'count', 1)
  local free, max_delay = tonumber(ARGV[2 * place]), tonumber(ARGV[2 * place + 1])
  if count >= free then
    redis.call('HSET', key, 'until', now + math.min(max_delay, 1000 * 2 ^ math.min(count - free, 20)))
  end
  redis.call('PEXPIRE', key, ARGV[1])
end
return 0
