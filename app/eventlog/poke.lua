-- Something waits in a partition's outbox: a chunk without events wakes whoever reads the log.
--
-- KEYS[1] log  KEYS[2] counters  KEYS[3] bell   ARGV[1] a fresh generation id, used if the log has none
-- ARGV[2] bell's life in ms
-- Answers 1 if the bell must be rung.

local known = redis.call('HMGET', KEYS[2], 'generation', 'logged', 'bytes', 'duplicates')
local generation = known[1]
if not generation then
  generation = ARGV[1]
  redis.call('HSET', KEYS[2], 'generation', generation)
end
redis.call('XADD', KEYS[1], '*', 'generation', generation, 'logged', known[2] or 0, 'bytes', known[3] or 0,
  'duplicates', known[4] or 0, 'count', 0, 'size', 0, 'runs', 0)
if redis.call('SET', KEYS[3], 'rung', 'NX', 'PX', ARGV[2]) then return 1 end
return 0
