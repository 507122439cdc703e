-- Takes or renews the lease. KEYS: lease. ARGV: watcher, lease in ms. Returns 1 if the watcher leads, else 0.
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
