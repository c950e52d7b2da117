-- The drain has committed: let go of what is stored.
--
-- KEYS[1] log   KEYS[2] counters
-- ARGV[1] generation   ARGV[2] first entry to keep   ARGV[3] events drained   ARGV[4] bytes drained

if redis.call('HGET', KEYS[2], 'generation') ~= ARGV[1] then return 0 end
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[2])
if tonumber(redis.call('HGET', KEYS[2], 'drained') or 0) < tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[2], 'drained', ARGV[3], 'drained_bytes', ARGV[4])
end
return 1
