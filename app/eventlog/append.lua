-- Append what came in for one partition: decide for each group, write one chunk, ring the bell.
--
-- KEYS[1] log  KEYS[2] counters  KEYS[3] bell   (all of one partition, one hash tag)
-- ARGV[1] key prefix of the partition   ARGV[2] a fresh generation id, used if the log has none
-- ARGV[3] most events   ARGV[4] most bytes   ARGV[5] most recent ids   ARGV[6] bell's life in ms
-- then for each group (one agent's contiguous run):
--   agent key, project, incarnation (0: unsequenced), first seq, spent, floor, rate, burst,
--   received_at, records, number of ids, the ids…
--
-- Answers {ring, generation, logged counter after, outcome, outcome, …}; an outcome is {verdict, a, b}:
--   {0, last seq, duplicates}   taken            {1, retry_after_ms, 0}  the agent's bucket is empty
--   {2, retry_after_ms, 0}      the log is full  {3, expected seq, 0}    a hole in seq
--   {4, newest incarnation, 0}  superseded

local log, counters, bell = KEYS[1], KEYS[2], KEYS[3]
local prefix = ARGV[1]
local most_events, most_bytes = tonumber(ARGV[3]), tonumber(ARGV[4])
local most_recent = tonumber(ARGV[5])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local known = redis.call('HMGET', counters, 'generation', 'logged', 'bytes', 'drained', 'drained_bytes',
  'duplicates')
local generation = known[1]
if not generation then
  generation = ARGV[2]
  redis.call('HSET', counters, 'generation', generation)
end
local logged, bytes = tonumber(known[2] or 0), tonumber(known[3] or 0)
local first_logged, first_bytes = logged, bytes
local drained, drained_bytes = tonumber(known[4] or 0), tonumber(known[5] or 0)

local chunk = {'generation', generation, 'logged', first_logged, 'bytes', first_bytes}
local outcomes = {0, generation, 0}
local duplicates_here = 0
local runs = 0

local rotated = {}

local function has_previous(previous)
  if rotated[previous] == nil then rotated[previous] = redis.call('EXISTS', previous) == 1 end
  return rotated[previous]
end

local function recent_duplicates(project, first, count)
  -- Which of the ids were seen lately: a table of 0-based indexes, and how many. Remembers the rest.
  local current = prefix .. 'recent:' .. project
  local previous = current .. ':previous'
  local last = first + count - 1
  local seen, again, added = {}, 0, 0
  local now_seen = redis.call('SMISMEMBER', current, unpack(ARGV, first, last))
  local before_seen = has_previous(previous) and redis.call('SMISMEMBER', previous, unpack(ARGV, first, last))
  for i = 1, count do
    if now_seen[i] == 1 or (before_seen and before_seen[i] == 1) then
      again = again + 1
      seen[again] = i - 1
    end
  end
  if again == 0 then added = redis.call('SADD', current, unpack(ARGV, first, last)) end
  if added < count then
    -- Some were seen, or one of them comes twice in this run: look at each.
    local dropped = {}
    for i = 1, again do dropped[seen[i]] = true end
    local among = {}
    seen, again = {}, 0
    for i = 1, count do
      local id = ARGV[first + i - 1]
      if dropped[i - 1] or among[id] then
        again = again + 1
        seen[again] = i - 1
      else
        among[id] = true
        redis.call('SADD', current, id)
      end
    end
  end
  if redis.call('SCARD', current) > most_recent then
    redis.call('RENAME', current, previous)
    rotated[previous] = true
  else
    redis.call('EXPIRE', current, 86400)
  end
  return seen, again
end

local at = 7
while at <= #ARGV do
  local key, project = ARGV[at], ARGV[at + 1]
  local incarnation_text = ARGV[at + 2]
  local incarnation, seq = tonumber(incarnation_text), tonumber(ARGV[at + 3])
  local spent, floor = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local rate, burst = tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7])
  local received_at, records = ARGV[at + 8], ARGV[at + 9]
  local count = tonumber(ARGV[at + 10])
  local first_id = at + 11
  at = first_id + count

  local state_key = prefix .. 'agent:' .. key
  local state = redis.call('HMGET', state_key, 'incarnation', 'seq', 'tokens', 'at')
  local newest, last = tonumber(state[1] or 0), tonumber(state[2] or 0)
  local verdict, a, b = 0, 0, 0
  local skip = 0

  if incarnation > 0 then
    if newest > incarnation then
      verdict, a = 4, newest
    else
      if newest < incarnation then last = 0 end
      if last < floor then last = floor end
      if seq > last + 1 then
        verdict, a = 3, last + 1
      else
        skip = math.min(last + 1 - seq, count)
      end
    end
  end

  local cost = count - skip
  local tokens = burst
  if verdict == 0 and cost > 0 then
    if state[3] then
      tokens = math.min(burst, tonumber(state[3]) + math.max(0, now - tonumber(state[4])) * rate / 1000)
    end
    if tokens < math.min(cost, burst) then
      verdict, a = 1, math.max(1, math.ceil((math.min(cost, burst) - tokens) * 1000 / rate))
    elseif logged - drained + cost > most_events or bytes - drained_bytes + #records > most_bytes then
      verdict, a = 2, 1000
    end
  end

  if verdict == 0 then
    local final = seq + count + spent - 1
    if incarnation > 0 and final < last then final = last end
    local seen, again = {}, 0
    if cost > 0 then
      seen, again = recent_duplicates(project, first_id + skip, cost)
    end
    local advances = incarnation > 0 and final > last
    if cost > again or advances then
      local drops = {}
      for i = 0, skip - 1 do drops[i + 1] = i end
      for i = 1, again do drops[skip + i] = seen[i] + skip end
      if cost == again then records = '' end
      runs = runs + 1
      local n = #chunk
      -- Field names differ, since clients read an entry as a map.
      chunk[n + 1], chunk[n + 2] = 'key' .. runs, key
      chunk[n + 3], chunk[n + 4] = 'run' .. runs, incarnation_text .. ' ' .. final .. ' ' .. received_at
      chunk[n + 5], chunk[n + 6] = 'drop' .. runs, table.concat(drops, ' ')
      chunk[n + 7], chunk[n + 8] = 'records' .. runs, records
      logged = logged + cost - again
      bytes = bytes + #records
    end
    if cost > 0 or advances then
      if incarnation > 0 then
        redis.call('HSET', state_key, 'incarnation', incarnation, 'seq', math.max(final, last),
          'tokens', tokens - cost, 'at', now)
      else
        redis.call('HSET', state_key, 'tokens', tokens - cost, 'at', now)
      end
      redis.call('PEXPIRE', state_key, 604800000)
    end
    duplicates_here = duplicates_here + skip + again
    a, b = final, skip + again
  end
  outcomes[#outcomes + 1] = {verdict, a, b}
end

if #chunk > 6 then
  local n = #chunk
  chunk[n + 1], chunk[n + 2] = 'count', logged - first_logged
  chunk[n + 3], chunk[n + 4] = 'size', bytes - first_bytes
  chunk[n + 5], chunk[n + 6] = 'runs', runs
  -- The row in PostgreSQL keeps this count, should the log come back without it.
  chunk[n + 7], chunk[n + 8] = 'duplicates', tonumber(known[6] or 0) + duplicates_here
  redis.call('XADD', log, '*', unpack(chunk))
  redis.call('HSET', counters, 'logged', logged, 'bytes', bytes)
  if redis.call('SET', bell, 'rung', 'NX', 'PX', ARGV[6]) then outcomes[1] = 1 end
end
if duplicates_here > 0 then
  redis.call('HINCRBY', counters, 'duplicates', duplicates_here)
end
outcomes[3] = logged
return outcomes
