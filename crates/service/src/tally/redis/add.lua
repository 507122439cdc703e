-- Adds to counts at the expected position. KEYS: meta, refresh requests, then hashes of counts.
-- ARGV: expected position, new position, maximum keys of a hash, field of all others, number of campaigns, campaigns,
-- for each hash the number of its campaign, then alternately number of the hash in KEYS, field and difference. Requests a
-- refresh of campaigns whose others got more. Returns 0 if the counts are at another position.
local meta = KEYS[1]
if redis.call('HGET', meta, 'position') ~= ARGV[1] then return 0 end
redis.call('HSET', meta, 'position', ARGV[2])
local max, others, campaigns = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
for i = 6, 5 + campaigns do
  redis.call('HINCRBY', meta, 'revision:' .. ARGV[i], 1)
end
-- Whether a further key may have a count of its own: not while there are others, because some of it may be among them.
local function has_room(hash)
  local further = redis.call('HGET', hash, others)
  return tonumber(further or 0) == 0 and redis.call('HLEN', hash) - (further and 1 or 0) < max
end
local refresh, before_first = {}, 3 + campaigns
for i = 4 + campaigns + #KEYS, #ARGV, 3 do
  local number, field, difference = tonumber(ARGV[i]), ARGV[i + 1], tonumber(ARGV[i + 2])
  local hash = KEYS[number]
  if redis.call('HEXISTS', hash, field) == 0 and (difference < 0 or not has_room(hash)) then
    field = others
    if difference > 0 then refresh[ARGV[5 + tonumber(ARGV[before_first + number])]] = true end
  end
  local count = redis.call('HINCRBY', hash, field, difference)
  if count <= 0 and field ~= others then
    redis.call('HDEL', hash, field)
  elseif count < 0 then
    redis.call('HSET', hash, others, 0)
  end
end
for campaign in pairs(refresh) do
  redis.call('HINCRBY', KEYS[2], campaign, 1)
end
return 1
