-- Uses a name up. KEYS: the name. ARGV: by whom, and for how many ms. Answers 1 if it was free or used by the same.
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) == ARGV[1] then return 1 end
return 0
