-- Removes the request of a refresh that is done. KEYS: refresh requests. ARGV: campaign, requests when it began. A request
-- since then stays.
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
