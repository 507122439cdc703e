-- Replaces the notification about a target, if the stored one is still the one that was read and, if required, the
-- watcher leads. KEYS: lease, told. ARGV: watcher, must lead (1 or 0), target, text before (empty: none), text after.
-- Returns 1 if written, else 0.
if ARGV[2] == '1' and redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if (redis.call('HGET', KEYS[2], ARGV[3]) or '') ~= ARGV[4] then return 0 end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[5])
return 1
