-- Draws one from each rate, or none from any. KEYS: the rates. ARGV, for each key: microseconds in which one comes back,
-- and in which all do. Answers the microseconds to wait; 0: drawn.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local moments, wait = {}, 0
for place, key in ipairs(KEYS) do
  local full_at = tonumber(redis.call('GET', key) or 0)
  moments[place] = math.max(full_at, now) + tonumber(ARGV[2 * place - 1])
  wait = math.max(wait, moments[place] - now - tonumber(ARGV[2 * place]))
end
if wait > 0 then return wait end
for place, key in ipairs(KEYS) do
  local rest = math.ceil((moments[place] - now) / 1000)
  redis.call('SET', key, string.format('%.0f', moments[place]), 'PX', math.max(rest, 1))
end
return 0
