#!/bin/sh
# Prints a user's score, the top three and the user's days: ./score.sh github:torvalds
set -eu
user=$1
read_redis() { redis-cli -u "$REDIS_URL" --no-auth-warning --raw "$@"; }

score=$(read_redis HGET "renown:u:$user" score)
case $score in *[!0-9.]*) echo "$score" >&2; exit 1 ;; esac # a refusal: redis-cli ends with 0 all the same
echo "score ${score:-none}"

rank=0
read_redis ZREVRANGE renown:top 0 2 | while IFS= read -r leader; do
  rank=$((rank + 1))
  score=$(read_redis HGET "renown:u:$leader" score)
  [ -z "$score" ] || printf 'top %d %s %s\n' "$rank" "$leader" "$score"
done

read_redis HGETALL "renown:h:$user" | paste -d ' ' - - | sort | sed -n 's/^[0-9]/day &/p'
