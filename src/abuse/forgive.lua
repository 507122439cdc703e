-- Takes the attempt back that was right. KEYS: what is counted. ARGV: for each key 1 to forget all, 0 to forget one.
for place, key in ipairs(KEYS) do
  if ARGV[place] == '1' then
    redis.call('DEL', key)
  elseif tonumber(redis.call('HGET', key, 'count') or 0) > 0 then
    redis.call('HINCRBY', key, 'count', -1)
  end
end
