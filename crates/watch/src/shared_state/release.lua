-- Releases the lease if the watcher still holds it. KEYS: lease. ARGV: watcher.
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
