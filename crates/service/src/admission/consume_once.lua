-- Consumes a name. KEYS: the name. ARGV: the consumer, milliseconds until the name expires. Returns 1 if the name was
-- unused or used by the same consumer, else 0.
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) == ARGV[1] then return 1 end
return 0
