// Prints a user's score, the top three and the user's days: node score.mjs github:torvalds
import { createClient } from "redis";

const user = process.argv[2];
const redis = createClient({ url: process.env.REDIS_URL });
await redis.connect();

console.log("score", (await redis.hGet(`renown:u:${user}`, "score")) ?? "none");

const leaders = await redis.zRange("renown:top", 0, 2, { REV: true });
for (const [at, leader] of leaders.entries()) {
  const score = await redis.hGet(`renown:u:${leader}`, "score");
  if (score !== null) console.log("top", at + 1, leader, score); // else left between the two reads
}

const days = Object.entries(await redis.hGetAll(`renown:h:${user}`));
for (const [day, score] of days.sort()) console.log("day", day, score);

redis.destroy();
