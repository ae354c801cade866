// The week on one sheet, made for printing.

import { addressOf, change, linkTo, list, make, section, table, visible } from "./dom.js";
import { moments } from "./person.js";

/** The heading and all sections of a weekly report. */
export function report(found) {
  const print = make("button", { type: "button", class: "no-print" }, "Print");
  print.addEventListener("click", () => window.print());
  return [
    make("h1", {}, "The week of ", make("bdi", {}, visible(found.user))),
    make("p", {}, `${found.first_day} to ${found.last_day} `, print, " ",
      make("a", { href: addressOf(found.user), class: "no-print" }, "Everything about this score")),
    make("div", { class: "cards" },
      section("What changed", [
        make("p", { class: "big" }, found.score.toFixed(1), make("small", {}, " of 100")),
        make("p", {}, "In seven days ", change(found.change), "."),
        table("Score at the end of the day", [["Day", ""], ["Score", "number"]],
          found.days.map((each) => [each.day, each.score.toFixed(1)])),
      ]),
      section("Why", [list(found.lines.filter((line) => !line.startsWith("Moved it most")))]),
      section("What moved it most", [moments(found.moments)], "wide"),
      section("Who helped", [found.helpers.length
        ? table("Behind the acts that weigh most", [["Who", ""], ["Acts", "number"], ["Mass", "number"]],
          found.helpers.map((each) => [linkTo(each.user), String(each.acts), each.mass.toFixed(2)]))
        : make("p", {}, "Nobody is known by name.")]),
      section("What could be done", [list(found.advice)])),
  ];
}
