// Elements from text only: nothing here can make markup out of what a stranger wrote.

const HIDDEN = /(?!\u200d)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
const SVG = "http://www.w3.org/2000/svg";

/** The text with characters that are not seen, or turn the line around, spelt out. */
export function visible(text) {
  return text.replace(HIDDEN, (each) => `\\u{${each.codePointAt(0).toString(16)}}`);
}

/** A new element; `attributes` are set as they are, children are elements or texts. */
export function make(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** A new SVG element. */
export function draw(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((each) => each !== null && each !== undefined));
  return element;
}

/** Where a user's page is. */
export function addressOf(user, view) {
  const asked = new URLSearchParams({ user });
  if (view) asked.set("view", view);
  return `/?${asked}`;
}

/** A link to a user; the id keeps its own direction of writing. */
export function linkTo(user) {
  return make("a", { href: addressOf(user) }, make("bdi", {}, visible(user)));
}

/** A table: `columns` are [heading, class] pairs, `rows` lists of cells; the first cell heads its row. */
export function table(caption, columns, rows, isOwn = () => false) {
  const head = make("tr", {}, ...columns.map(([text, kind]) => make("th", cell(kind, { scope: "col" }), text)));
  const body = rows.map((cells, at) => make("tr", isOwn(at) ? { class: "own" } : {},
    ...cells.map((each, column) => make(column ? "td" : "th",
      cell(columns[column][1], column ? {} : { scope: "row" }), each ?? ""))));
  const whole = make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...body));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, whole);
}

function cell(kind, attributes) {
  return kind ? { ...attributes, class: kind } : attributes;
}

/** A section with a heading that names it. */
export function section(title, children, kind = "") {
  const id = `s-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return make("section", { "aria-labelledby": id, class: kind }, make("h2", { id }, title), ...children);
}

/** A list of sentences. */
export function list(lines, kind = "ul") {
  return make(kind, {}, ...lines.map((line) => make("li", {}, make("bdi", {}, visible(line)))));
}

/** An instant as people read it. */
export function when(instant) {
  return make("time", { datetime: instant }, `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`);
}

/** A change with its sign, "–" where none is known. */
export function change(value) {
  if (value === null) return make("span", { class: "quiet" }, "–");
  const sign = value > 0 ? "+" : value < 0 ? "−" : "±";
  return make("span", { class: value > 0 ? "up" : value < 0 ? "down" : "" }, `${sign}${Math.abs(value).toFixed(1)}`);
}
