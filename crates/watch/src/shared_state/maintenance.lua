-- Agrees on one planned maintenance: the one that was set last. KEYS: pause.
-- ARGV: time at which it was set in ms (0: none), maintenance as JSON, expiry in ms. Returns the one that applies.
local standing = redis.call('HMGET', KEYS[1], 'set_at', 'pause')
if standing[1] and tonumber(standing[1]) >= tonumber(ARGV[1]) then return standing[2] end
if ARGV[1] == '0' then return '' end
redis.call('HSET', KEYS[1], 'set_at', ARGV[1], 'pause', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return ARGV[2]
