// What the address asks for, put into the page, and kept up to date.

import { Trouble, follow, pathOf, read, useKey } from "./api.js";
import { addressOf, make, section, visible } from "./dom.js";
import { person, places, score } from "./person.js";
import { report } from "./report.js";

const SETTLED_MS = 2000;
const main = document.getElementById("content");
const said = document.getElementById("said");
const asked = new URLSearchParams(location.search);
const live = new AbortController();

async function start() {
  const user = asked.get("user");
  try {
    if (!user) await showLeaders();
    else if (asked.get("view") === "report") await showReport(user);
    else await showPerson(user);
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    if (user && user !== user.trim() && error.status < 500) location.replace(addressOf(user.trim(), asked.get("view")));
    else showTrouble(error, user);
  }
}

async function showPerson(user) {
  document.getElementById("user").value = user;
  document.title = `${visible(user)} – Renown`;
  await refreshPerson(user);
  let settling = 0;
  follow(new URLSearchParams({ user }), (name, found) => {
    if (name === "gone") {
      main.replaceChildren(make("p", {}, "This score is gone."));
      return;
    }
    const before = document.getElementById("score");
    if (!before || before.dataset.version === String(found.version)) return;
    put(before, found);
    said.textContent = `Score now ${found.score.toFixed(1)}`;
    clearTimeout(settling);
    settling = setTimeout(() => refreshPerson(user).catch(() => {}), SETTLED_MS);
  }, live.signal);
}

async function refreshPerson(user) {
  const [found, history, around] = await Promise.all([
    read(pathOf(user, "/explanation")), read(pathOf(user, "/history")), read(pathOf(user, "/neighbours?limit=3")),
  ].map((each, at) => at ? each.catch(() => null) : each));
  const focused = document.activeElement === document.body || !main.contains(document.activeElement);
  if (!focused && main.querySelector("#score")) {
    put(document.getElementById("score"), found); // never pull the ground from under who reads with the keyboard
    return;
  }
  const open = main.querySelector("details")?.open;
  main.replaceChildren(...person(found, history?.days ?? [], around));
  document.getElementById("score").dataset.version = String(found.version);
  if (open) main.querySelector("details").open = true;
}

function put(before, found) {
  const now = score(found);
  now.dataset.version = String(found.version);
  now.classList.add("fresh");
  before.replaceWith(now);
}

async function showReport(user) {
  document.title = `The week of ${visible(user)} – Renown`;
  main.replaceChildren(...report(await read(pathOf(user, "/report"))));
}

async function showLeaders() {
  document.title = "Leaders – Renown";
  const query = new URLSearchParams({ limit: "25" });
  if (asked.get("network")) query.set("network", asked.get("network"));
  if (asked.get("sort") === "momentum") query.set("sort", "momentum");
  const board = make("div", {}, leaders(await read(`/v1/top?${query}`)));
  main.replaceChildren(make("h1", {}, "Leaders"), choice(), make("div", { class: "cards" }, section("Now", [board], "wide")));
  let version = "";
  follow(query, (name, found) => {
    const now = JSON.stringify(found.places.map((each) => [each.user, each.version]));
    if (now === version || board.contains(document.activeElement)) return;
    version = now;
    board.replaceChildren(leaders(found));
  }, live.signal);
}

function leaders(found) {
  if (!found.places.length) return make("p", {}, "Nobody is scored yet.");
  const where = found.network ? `of ${found.network}` : "of all networks";
  return places(`${found.size.toLocaleString("en")} people ${where}`, found.places);
}

function choice() {
  const sort = make("select", { name: "sort", id: "sort" }, make("option", { value: "raw" }, "Influence"),
    make("option", { value: "momentum" }, "Rising now"));
  if (asked.get("sort") === "momentum") sort.value = "momentum";
  const network = make("input", { name: "network", id: "network", autocomplete: "off", autocapitalize: "none",
    placeholder: "all", pattern: "[a-z0-9\\-]{1,32}", size: "12" });
  network.value = asked.get("network") ?? "";
  const form = make("form", { action: "/" }, make("label", { for: "sort" }, "By"), sort,
    make("label", { for: "network" }, "Network"), network, make("button", {}, "Show"));
  form.addEventListener("submit", () => {
    if (!network.value || sort.value === "momentum") network.disabled = true;
  });
  return form;
}

function showTrouble(error, user) {
  const what = error.status === 404 && user ? make("p", {}, "There is no score for ", make("bdi", {}, visible(user)), ".") : null;
  const title = make("h1", {}, error.status === 404 ? "Not found" : "That did not work");
  const why = make("p", { class: "trouble", role: "alert" }, visible(error.message));
  main.replaceChildren(title, ...(what ? [what] : []), why, ...(error.status === 401 ? [keyForm()] : []));
}

function keyForm() {
  const key = make("input", { id: "key", type: "password", autocomplete: "off", required: "" });
  const form = make("form", {}, make("label", { for: "key" }, "Key for reading"), key, make("button", {}, "Use it"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(key.value.trim());
    start();
  });
  return form;
}

addEventListener("pagehide", () => live.abort());
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
start();
