-- Writes up to 200 users' scores of one partition in one step; newer versions win, older ones are left out.
--
-- KEYS  1 meta, 2 leaderboard of all, 3 leaderboard by momentum, then the networks' leaderboards,
--       then per user: hash, history, why
-- ARGV  1 field of meta that holds how far this partition is applied, 2 what the caller expects there ('' = nothing),
--       3 what to put there ('' = leave it), then in msgpack
--       4 {users, each one's network's board (0 = none), whether gone, day ('' = no score), whether trending,
--          for each day {yesterday, week ago, oldest day}, of users who are linked {number: person}}
--       5 the users' values one behind the other, nothing for a user without a score: score, target_score, raw,
--         relationships, momentum, reach, percentile, provisional, parts, counts_7d, why, as_of, version, model
-- No user comes twice in a call.
-- Returns {'moved', found} when another writer or another Redis holds the partition, and writes nothing;
--         else {'ok', written, stale, removed}.
--
-- Redis is single-threaded, so the check and all writes are one step. The users' hashes are written last: when a
-- call breaks off half way, their versions are still the old ones and the next attempt writes everything.
local meta, top, by_momentum = KEYS[1], KEYS[2], KEYS[3]
local found = redis.call('HGET', meta, ARGV[1]) or ''
if found ~= ARGV[2] then return {'moved', found} end

local VALUES = 14
local users, board_of, gone, day_of, trending, before, person_of = unpack(cmsgpack.unpack(ARGV[4]))
local values = cmsgpack.unpack(ARGV[5])
local first_user = #KEYS - 3 * #users

-- Versions are 64-bit and Lua's numbers are doubles: compare them as decimals, the longer being the greater.
local function not_newer(a, b)
  if #a ~= #b then return #a < #b end
  return a <= b
end

local function forget(user, board, key)
  local existed = redis.call('DEL', KEYS[key + 1], KEYS[key + 2], KEYS[key + 3])
  redis.call('ZREM', top, user)
  redis.call('ZREM', by_momentum, user)
  if board > 0 then redis.call('ZREM', KEYS[3 + board], user) end
  return existed
end

-- The scores of the last known days up to yesterday and up to a week ago ('' = none); drops days before the oldest.
local function looked_back(history, yesterday, week_ago, oldest)
  local days, day_1, day_7, past = redis.call('HGETALL', history), '', '', {}
  local before_1d, before_7d = '', ''
  for at = 1, #days, 2 do
    local day, score = days[at], days[at + 1]
    if day < oldest then
      past[#past + 1] = day
    else
      if day <= yesterday and day > day_1 then day_1, before_1d = day, score end
      if day <= week_ago and day > day_7 then day_7, before_7d = day, score end
    end
  end
  if #past > 0 then redis.call('HDEL', history, unpack(past)) end
  return before_1d, before_7d
end

local function change(score, earlier)
  if earlier == '' then return '' end
  return string.format('%.1f', tonumber(score) - tonumber(earlier))
end

-- One ZADD per board, for the commands cost more than what they do.
local boards = {{top}, {by_momentum}}
for board = 1, first_user - 3 do boards[2 + board] = {KEYS[3 + board]} end
local resting = {by_momentum}
local function rank(board, value, user)
  local n = #board
  board[n + 1], board[n + 2] = value, user
end

local fresh, known_of, value_of = {}, {}, {}
local stale, removed, v, key = 0, 0, 0, first_user
for i, user in ipairs(users) do
  if gone[i] and forget(user, board_of[i], key) > 0 then removed = removed + 1 end
  if person_of[i] then redis.call('HSET', KEYS[key + 1], 'linked_to', person_of[i]) end
  local day = day_of[i]
  if day ~= '' then
    local known = redis.call('HMGET', KEYS[key + 1], 'version', 'day', 'before_1d', 'before_7d', 'score')
    if known[1] and not_newer(values[v + 13], known[1]) then
      stale = stale + 1
    else
      fresh[#fresh + 1], known_of[i], value_of[i] = i, known, v
      local score, raw = values[v + 1], values[v + 3]
      rank(boards[1], raw, user)
      if board_of[i] > 0 then rank(boards[2 + board_of[i]], raw, user) end
      if trending[i] then rank(boards[2], values[v + 5], user) else resting[#resting + 1] = user end
      if known[2] ~= day or known[5] ~= score then redis.call('HSET', KEYS[key + 2], day, score) end
      redis.call('SET', KEYS[key + 3], values[v + 11])
    end
    v = v + VALUES
  end
  key = key + 3
end
for _, board in ipairs(boards) do
  if #board > 1 then redis.call('ZADD', unpack(board)) end
end
if #resting > 1 then redis.call('ZREM', unpack(resting)) end

for _, i in ipairs(fresh) do
  local known, at, day, k = known_of[i], value_of[i], day_of[i], first_user + 3 * i - 3
  local score, target, raw, relationships, momentum, reach, percentile, provisional, parts, counts, _, as_of, version,
    model = unpack(values, at + 1, at + VALUES)
  if known[2] == day and known[5] == score and known[3] and known[4] then
    redis.call('HSET', KEYS[k + 1], 'version', version, 'target_score', target, 'raw', raw, 'relationships', relationships,
      'momentum', momentum, 'reach', reach, 'percentile', percentile, 'provisional', provisional, 'as_of', as_of,
      'model', model, 'counts_7d', counts, 'parts', parts)
  else
    local before_1d, before_7d = known[3] or '', known[4] or ''
    if known[1] and known[2] ~= day then before_1d, before_7d = looked_back(KEYS[k + 2], unpack(before[day])) end
    redis.call('HSET', KEYS[k + 1], 'version', version, 'day', day, 'before_1d', before_1d, 'before_7d', before_7d,
      'change_1d', change(score, before_1d), 'change_7d', change(score, before_7d), 'score', score,
      'target_score', target, 'raw', raw, 'relationships', relationships, 'momentum', momentum, 'reach', reach,
      'percentile', percentile, 'provisional', provisional, 'as_of', as_of, 'model', model,
      'counts_7d', counts, 'parts', parts)
  end
end
if ARGV[3] ~= '' then redis.call('HSET', meta, ARGV[1], ARGV[3]) end
return {'ok', #fresh, stale, removed}
