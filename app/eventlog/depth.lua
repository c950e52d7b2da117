-- How much waits in a partition; its chunks may be large and do not leave the server.
--
-- KEYS[1] log   KEYS[2] counters
-- Answers {generation, logged, drained, duplicates, chunks,
--   position of the oldest chunk, counter before it, position of the newest, counter behind it};
-- the last four are missing if there is no chunk.

local known = redis.call('HMGET', KEYS[2], 'generation', 'logged', 'drained', 'duplicates')
local answer = {known[1] or '', known[2] or '0', known[3] or '0', known[4] or '0'}
answer[5] = redis.call('XLEN', KEYS[1])

local function number(fields, name)
  for i = 1, #fields, 2 do
    if fields[i] == name then return tonumber(fields[i + 1]) end
  end
end

local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if oldest then
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  answer[6], answer[7] = oldest[1], number(oldest[2], 'logged')
  answer[8], answer[9] = newest[1], number(newest[2], 'logged') + number(newest[2], 'count')
end
return answer
