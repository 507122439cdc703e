-- Takes a successful attempt back. KEYS: the attempt keys. ARGV: for each key 1 to delete the count, 0 to subtract one.
for place, key in ipairs(KEYS) do
  if ARGV[place] == '1' then
    redis.call('DEL', key)
  elseif tonumber(redis.call('HGET', key, 'count') or 0) > 0 then
    redis.call('HINCRBY', key, 'count', -1)
  end
end
