// The score over 90 days as one line; the same as a table stands beside it for who does not see it.

import { draw, make, table } from "./dom.js";

const WIDTH = 720, HEIGHT = 240, LEFT = 34, RIGHT = 12, TOP = 12, BOTTOM = 24;
const DAYS = 90, DAY_MS = 86400000, LEAST_RANGE = 10;

/** The chart and its table; `days` are {day, score}, oldest first, days without a change left out. */
export function chart(days) {
  const last = Date.parse(days.at(-1).day);
  const first = last - (DAYS - 1) * DAY_MS;
  const shown = days.map((each) => ({ ...each, at: Date.parse(each.day) })).filter((each) => each.at >= first);
  const [low, high] = range(shown.map((each) => each.score));
  const x = (at) => LEFT + (WIDTH - LEFT - RIGHT) * (at - first) / (last - first);
  const y = (score) => TOP + (HEIGHT - TOP - BOTTOM) * (high - score) / (high - low);
  const told = `Score from ${shown[0].score.toFixed(1)} on ${shown[0].day} to ${shown.at(-1).score.toFixed(1)} on ${shown.at(-1).day}`;
  const picture = draw("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": told },
    ...levels(low, high).flatMap((level) => [
      draw("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(level), y2: y(level) }),
      draw("text", { x: LEFT - 6, y: y(level) + 4, "text-anchor": "end" }, String(level)),
    ]),
    ...[0, 30, 60, 89].map((after) => draw("text",
      { x: x(first + after * DAY_MS), y: HEIGHT - 6, "text-anchor": after === 0 ? "start" : after === 89 ? "end" : "middle" },
      new Date(first + after * DAY_MS).toISOString().slice(5, 10))),
    draw("path", { class: "curve", d: line(shown, x, y) }),
    draw("circle", { class: "dot", cx: x(shown.at(-1).at), cy: y(shown.at(-1).score), r: 4 }));
  const rows = shown.toReversed().map((each) => [each.day, each.score.toFixed(1)]);
  const beside = make("details", {}, make("summary", {}, "The same in numbers"),
    table("Score at the end of the day", [["Day", ""], ["Score", "number"]], rows));
  return [picture, beside];
}

/** A score holds until it changes: after a gap of days the line runs level up to the day before. */
function line(days, x, y) {
  const points = [];
  let before = null;
  for (const each of days) {
    if (before && each.at - before.at > DAY_MS) points.push([each.at - DAY_MS, before.score]);
    points.push([each.at, each.score]);
    before = each;
  }
  return points.map(([at, score], index) => `${index ? "L" : "M"}${x(at).toFixed(1)} ${y(score).toFixed(1)}`).join("");
}

function range(scores) {
  let low = Math.floor(Math.min(...scores) / 5) * 5;
  let high = Math.ceil(Math.max(...scores) / 5) * 5;
  while (high - low < LEAST_RANGE) {
    if (low > 0) low -= 5;
    if (high - low < LEAST_RANGE) high += 5;
  }
  return [low, high];
}

function levels(low, high) {
  const step = high - low <= 20 ? 5 : high - low <= 50 ? 10 : 20;
  const found = [];
  for (let level = Math.ceil(low / step) * step; level <= high; level += step) found.push(level);
  return found;
}
