-- Acquires or renews the lead. KEYS: lease, meta, refresh requests, times of the last refreshes.
-- ARGV: leader, lease in ms, time in ms at which the counts were complete (empty: unknown), now in ms, minimum ms between
-- refreshes. Returns false if another leads, else the refreshes that are due: pairs of campaign and number of requests.
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] then return false end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if ARGV[3] ~= '' and redis.call('HEXISTS', KEYS[2], 'position') == 1 then
  redis.call('HSET', KEYS[2], 'as_of', ARGV[3])
end
local requests, due = redis.call('HGETALL', KEYS[3]), {}
for i = 1, #requests, 2 do
  local campaign = requests[i]
  local last = tonumber(redis.call('HGET', KEYS[4], campaign) or 0)
  if ARGV[4] - last >= tonumber(ARGV[5]) then
    redis.call('HSET', KEYS[4], campaign, ARGV[4])
    due[#due + 1] = { campaign, tonumber(requests[i + 1]) }
  end
end
return due
