-- An agent says hello: take up its incarnation and sequence.
--
-- KEYS[1] the agent's state   ARGV[1] incarnation   ARGV[2] last stored seq of that incarnation
-- Answers {1, logged seq}, or {0, newest incarnation} if a newer one was here.

local state = redis.call('HMGET', KEYS[1], 'incarnation', 'seq')
local newest, last = tonumber(state[1] or 0), tonumber(state[2] or 0)
local incarnation, stored = tonumber(ARGV[1]), tonumber(ARGV[2])
if newest > incarnation then return {0, string.format('%.0f', newest)} end
if newest < incarnation then last = 0 end
if last < stored then last = stored end
redis.call('HSET', KEYS[1], 'incarnation', ARGV[1], 'seq', last)
redis.call('PEXPIRE', KEYS[1], 604800000)
return {1, string.format('%.0f', last)}
