// What the search is kept to: chips that show it, and the box to choose it with (a combobox with a list, after the ARIA
// Authoring Practices: manual selection, groups of headings and of files).

import * as api from "./api.js";
import { button, count, harmless, make, noteText, titleOf } from "./elements.js";
import { joined } from "./state.js";
import { say } from "./stage.js";

const PAUSE = 60;
const [chips, input, list] = ["chips", "narrow", "choices"].map((id) => document.getElementById(id));
let choose = () => {};
let chosen = ""; // the collection that the search is kept to
let timer, newest;
let options = [];
let active = -1;

/** Shows the scope of the state; `act` hears the part of the state that is to change. */
export function showScope({ under, file, collection }, act) {
  choose = act;
  chosen = collection;
  const parts = [];
  if (collection) parts.push(chip(titleOf(collection), "in", { collection: "" }));
  if (under) parts.push(chip(api.segments(under).join(" › "), "under", { under: "" }));
  if (file) parts.push(chip(file, "in", { file: "" }));
  chips.replaceChildren(...parts);
  chips.hidden = !parts.length;
}

function chip(text, word, without) {
  const remove = button("remove", "", () => {
    choose(without);
    input.focus();
  });
  remove.ariaLabel = `Do not look only ${word} ${harmless(text)}`;
  return make("li", "chip", `${word} `, noteText(text), remove);
}

// ---- The list ----

async function suggest() {
  newest?.abort();
  const mine = (newest = new AbortController());
  try {
    const found = await api.scopes(input.value.trim(), chosen, mine.signal);
    if (newest === mine) fill(found);
  } catch (error) {
    if (newest !== mine) return;
    close();
    say(`${api.Failure.from(error).title}.`);
  }
}

function fill({ headings, files, collections = [] }) {
  const ofCollections = collections.map(({ name, title, nodes, state: its }) => {
    const notes = its === "ready" ? count(nodes ?? 0, "note") : "cannot be asked now";
    return option([noteText(title), make("span", "score", ` ${notes}`)], { collection: name, under: "", file: "" });
  });
  const ofHeadings = headings.map((heading) => {
    const above = heading.path.length ? [make("span", "trail", noteText(heading.path.join(" › ")), " › ")] : [];
    const change = { under: joined([...heading.path, heading.text]), ...within(heading) };
    return option([...above, noteText(heading.text), told(heading)], change);
  });
  const ofFiles = files.map((each) => {
    const change = { file: each.file.replace(/[[\]*?!#\\ ]/g, "\\$&"), ...within(each) };
    return option([noteText(each.file), told(each)], change);
  });
  const groups = [group("Collections", ofCollections), group("Headings", ofHeadings), group("Files", ofFiles)].flat();
  options = [...ofCollections, ...ofHeadings, ...ofFiles];
  active = -1;
  input.removeAttribute("aria-activedescendant");
  list.replaceChildren(...(groups.length ? groups : [nothing()]));
  list.hidden = false;
  input.ariaExpanded = "true";
}

function within({ collection }) {
  return collection ? { collection } : {};
}

/** How much is there, and in which collection. */
function told({ notes, collection }) {
  const where = collection && collection !== chosen ? [" · ", noteText(titleOf(collection))] : [];
  return make("span", "score", ` ${count(notes, "note")}`, ...where);
}

function nothing() {
  const row = make("div", "plain", "No heading or file is called that.");
  row.role = "option";
  row.ariaDisabled = "true";
  return row;
}

function group(name, members) {
  if (!members.length) return [];
  const label = make("div", "over", name);
  label.id = `choices-${name}`;
  label.role = "presentation";
  const element = make("div", "group", label, ...members);
  element.role = "group";
  element.setAttribute("aria-labelledby", label.id);
  return [element];
}

function option(parts, change) {
  const element = make("div", "option", ...parts);
  element.role = "option";
  element.id = `choice-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  element.ariaSelected = "false";
  element.change = change;
  return element;
}

function close() {
  clearTimeout(timer);
  newest?.abort();
  newest = null;
  list.hidden = true;
  list.replaceChildren();
  options = [];
  active = -1;
  input.ariaExpanded = "false";
  input.removeAttribute("aria-activedescendant");
}

function activate(number) {
  options[active]?.setAttribute("aria-selected", "false");
  active = (number + options.length) % options.length;
  const element = options[active];
  element.ariaSelected = "true";
  element.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", element.id);
}

function pick(element) {
  close();
  input.value = "";
  choose(element.change);
}

// ---- Hands ----

function typed(event) {
  if (event.isComposing) return;
  clearTimeout(timer);
  timer = setTimeout(suggest, PAUSE);
}

function pressed(event) {
  if (event.isComposing || event.keyCode === 229) return;
  const { key } = event;
  if (key === "ArrowDown" || key === "ArrowUp") {
    if (list.hidden) suggest();
    else if (options.length) activate(active < 0 && key === "ArrowUp" ? -1 : active + (key === "ArrowDown" ? 1 : -1));
  } else if (key === "Enter" && !list.hidden && active >= 0) {
    pick(options[active]);
  } else if (key === "Escape" && (!list.hidden || input.value)) {
    if (list.hidden) input.value = "";
    close();
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

input.addEventListener("input", typed);
input.addEventListener("compositionend", typed);
input.addEventListener("keydown", pressed);
input.addEventListener("click", () => list.hidden && suggest());
input.addEventListener("blur", close);
list.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the box
list.addEventListener("click", (event) => {
  const element = event.target.closest(".option");
  if (element) pick(element);
});
