-- Writes up to 200 users' scores of one partition in one step; newer versions win, older ones are left out.
--
-- KEYS  1 meta, 2 leaderboard of all, 3 leaderboard by momentum, then per user: hash, history, why, network's board
-- ARGV  1 field of meta that holds how far this partition is applied, 2 what the caller expects there ('' = nothing),
--       3 what to put there ('' = leave it), then per user a msgpack array
--       {user, gone, version, score, raw, momentum, on a network's board, day, yesterday, week ago, oldest day, why, fields}
-- Returns {'moved', found} when another writer or another Redis holds the partition, and writes nothing;
--         else {'ok', written, stale, removed}.
--
-- Redis is single-threaded, so the check and all writes are one step. A user's hash is written last: when memory
-- runs out half way, its version is still the old one and the next attempt writes everything.
local meta, top, by_momentum = KEYS[1], KEYS[2], KEYS[3]
local found = redis.call('HGET', meta, ARGV[1]) or ''
if found ~= ARGV[2] then return {'moved', found} end

-- Versions are 64-bit and Lua's numbers are doubles: compare them as decimals, the longer being the greater.
local function not_newer(a, b)
  if #a ~= #b then return #a < #b end
  return a <= b
end

local function forget(user, hash, history, why, board)
  local existed = redis.call('DEL', hash, history, why)
  redis.call('ZREM', top, user)
  redis.call('ZREM', by_momentum, user)
  redis.call('ZREM', board, user)
  return existed > 0
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

local function change(score, before)
  if before == '' then return '' end
  return string.format('%.1f', tonumber(score) - tonumber(before))
end

local written, stale, removed = 0, 0, 0
for at = 4, #ARGV do
  local user, gone, version, score, raw, momentum, on_board, day, yesterday, week_ago, oldest, why, fields =
    unpack(cmsgpack.unpack(ARGV[at]))
  local key = 4 + (at - 4) * 4
  local hash, history, why_key, board = KEYS[key], KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
  if gone and forget(user, hash, history, why_key, board) then removed = removed + 1 end
  if version ~= '' then
    local known = redis.call('HMGET', hash, 'version', 'day', 'before_1d', 'before_7d')
    if known[1] and not_newer(version, known[1]) then
      stale = stale + 1
    else
      local before_1d, before_7d = known[3] or '', known[4] or ''
      redis.call('HSET', history, day, score)
      if known[1] and known[2] ~= day then before_1d, before_7d = looked_back(history, yesterday, week_ago, oldest) end
      redis.call('SET', why_key, why)
      redis.call('ZADD', top, raw, user)
      if on_board then redis.call('ZADD', board, raw, user) end
      if momentum ~= '' then redis.call('ZADD', by_momentum, momentum, user) else redis.call('ZREM', by_momentum, user) end
      redis.call('HSET', hash, 'version', version, 'day', day, 'before_1d', before_1d, 'before_7d', before_7d,
        'change_1d', change(score, before_1d), 'change_7d', change(score, before_7d), unpack(fields))
      written = written + 1
    end
  end
end
if ARGV[3] ~= '' then redis.call('HSET', meta, ARGV[1], ARGV[3]) end
return {'ok', written, stale, removed}
