-- Writes the last word about a target, if what stands there is what the watcher read, and, where it must lead for that,
-- it still does. KEYS: lease, told. ARGV: watcher, must lead (1 or 0), target, word before (empty: none), word after.
-- Answers 1: written; 0: not.
if ARGV[2] == '1' and redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if (redis.call('HGET', KEYS[2], ARGV[3]) or '') ~= ARGV[4] then return 0 end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[5])
return 1
