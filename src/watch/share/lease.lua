-- Takes or keeps the lead. KEYS: lease. ARGV: watcher, lease in ms. Answers 1: leads; 0: another leads.
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
