// One person's score, and everything that it is made of.

import { chart } from "./chart.js";
import { addressOf, change, linkTo, list, make, section, table, visible, when } from "./dom.js";

const PARTS = { like: "Likes", share: "Shares", mention: "Mentions", reply: "Replies", relationships: "Relationships" };
const VERBS = { like: "liked", share: "shared", mention: "mentioned them in", reply: "replied under" };
const BARE = { mention: "mentioned them", reply: "replied" };

/** The heading and all sections of a person's page. */
export function person(found, days, around) {
  const title = make("h1", {}, make("bdi", {}, visible(found.user)));
  return [title, make("div", { class: "cards" },
    score(found),
    relationships(found),
    days.length ? section("90 days", chart(days), "wide") : null,
    madeOf(found),
    section("In plain words", [list(found.lines.filter((line) => !line.startsWith("Weighs most now")))]),
    section("What moved it most", [moments(found.moments)], "wide"),
    formula(found),
    around ? section("Just above and below", [places("Places", [...around.above, around.user, ...around.below],
      found.user), make("p", { class: "quiet" }, `of ${around.size.toLocaleString("en")} people`)]) : null)];
}

/** The part that lives: it is put in anew whenever the score changes. */
export function score(found) {
  const drift = found.target_score - found.score;
  const heading = Math.abs(drift) < 0.05 ? "It has reached its target."
    : `${drift > 0 ? "Rising" : "Falling"} towards ${found.target_score.toFixed(1)}.`;
  const made = section("Score", [
    make("p", { class: "big" }, found.score.toFixed(1), make("small", {}, " of 100")),
    make("p", {}, heading, found.provisional ? " Provisional: the first week." : ""),
    make("p", {}, "One day ", change(found.change_1d), ", seven days ", change(found.change_7d), "."),
    make("p", {}, `More influence than ${found.percentile.toFixed(1)} % of everybody.`),
    make("p", { class: "quiet" }, "As of ", when(found.as_of), ". ",
      make("a", { href: addressOf(found.user, "report"), class: "no-print" }, "The week as a report")),
  ]);
  made.id = "score";
  return made;
}

function relationships(found) {
  return section("Relationships", [
    make("p", { class: "big" }, found.relationships.toFixed(1), make("small", {}, " of 100")),
    make("p", {}, "What goes both ways. It stands beside influence, and both can be high or low."),
    list(found.advice),
  ]);
}

function madeOf(found) {
  const rows = Object.entries(found.parts).sort((a, b) => b[1].mass - a[1].mass).map(([name, part]) => {
    const bar = make("span", { class: "bar", "aria-hidden": "true" });
    bar.style.width = `${part.percent}%`;
    return [PARTS[name] ?? name, part.points.toFixed(1), `${part.percent.toFixed(1)} %`, bar];
  });
  rows.push(["Together", found.score.toFixed(1), "", ""]);
  return section("Made of", [table("The parts add up to the score", [["Part", ""], ["Points", "number"], ["Share", "number"],
    ["Bar", "bars"]], rows, (at) => at === rows.length - 1)]);
}

/** The acts that weigh most, who did them and to what. */
export function moments(found) {
  if (!found.length) return make("p", {}, "Nothing that still weighs.");
  return table("Acts that weigh most now", [["Who", ""], ["What", ""], ["When", ""], ["Mass", "number"]],
    found.map((each) => [each.actor ? linkTo(each.actor) : "Somebody", deed(each), when(each.occurred_at),
      each.mass.toFixed(2)]));
}

function deed(moment) {
  const verb = (moment.object ? VERBS : { ...VERBS, ...BARE })[moment.kind] ?? moment.kind;
  return make("span", {}, verb, moment.object ? " " : "", moment.object ? make("bdi", {}, visible(moment.object)) : "");
}

function formula(found) {
  return section("The formula with these numbers", [
    make("dl", {}, ...found.formula.steps.flatMap((step) => [
      make("dt", {}, make("code", {}, step.formula)),
      make("dd", {}, make("code", {}, step.filled)),
      make("dd", { class: "quiet" }, step.meaning),
    ])),
    make("p", { class: "quiet" }, "Formula ", make("code", {}, visible(found.formula.model))),
  ]);
}

/** Places of a leaderboard; `own` is set off. */
export function places(caption, found, own = null) {
  return table(caption, [["Rank", "number"], ["Who", ""], ["Score", "number"], ["7 days", "number"], ["Momentum", "number spare"]],
    found.map((each) => [each.rank.toLocaleString("en"), linkTo(each.user), each.score.toFixed(1),
      change(each.change_7d), each.momentum.toFixed(2)]), (at) => found[at].user === own);
}
