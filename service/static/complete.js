// Completion of filters in the box: `tag:`, `under:"…"` and so on, a lone colon for all of them. The box is a combobox with a list
// (ARIA Authoring Practices, manual selection): nothing is chosen before an arrow key, so Enter still asks.

import * as api from "./api.js";
import { box, count, form, make, noteText } from "./elements.js";
import { sayLater } from "./stage.js";
import { joined, state } from "./state.js";

const PAUSE = 60;
const MOST = 8;
const FRESH = 30_000; // milliseconds that the values of the notes are kept
const FILTERS = {
  under: "below a heading",
  file: "in a file, or files such as *.org",
  tag: "with a tag",
  todo: "open, done, or a keyword",
  after: "from a date on",
  before: "before a date",
  where: "with a property",
};
const BEGUN = new RegExp(`(?:^|\\s)(?:(:)|(${Object.keys(FILTERS).join("|")}):("[^"]*|[^\\s"]*))$`, "i");

const list = make("div", "");
let goOn = () => {};
let options = [];
let active = -1;
let timer, newest, shownFor, values, valuesFrom;

/** `act` is called when a filter has all it needs, to search with it. */
export function completeFilters(act) {
  goOn = act;
  list.id = "completions";
  list.role = "listbox";
  list.ariaLabel = "Filters";
  list.hidden = true;
  form.append(list);
  box.role = "combobox";
  box.ariaAutoComplete = "list";
  box.ariaExpanded = "false";
  box.setAttribute("aria-controls", list.id);
  box.addEventListener("input", typed);
  box.addEventListener("compositionend", typed);
  box.addEventListener("keydown", pressed);
  box.addEventListener("blur", close);
  form.addEventListener("submit", close); // what is asked is asked; a list that comes later must not search over it
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the box
  list.addEventListener("click", (event) => {
    const element = event.target.closest(".option");
    if (element) pick(element.choice);
  });
}

/** Whether a filter is being typed, which is none yet: `tag:dec` would find nothing. */
export function isCompleting() {
  return document.activeElement === box && begun() !== null;
}

/** The filter that the caret stands in: where it starts and ends, its name ("" after a lone colon), and what is typed of it. */
function begun() {
  const before = box.value.slice(0, box.selectionStart);
  const match = box.selectionStart === box.selectionEnd && BEGUN.exec(before);
  if (!match) return null;
  const [whole, colon, name = "", value = ""] = match;
  const start = match.index + (/^\s/.test(whole) ? 1 : 0);
  const rest = /^[^\s"]*"?/.exec(box.value.slice(before.length))[0];
  return { start, end: before.length + (colon ? 0 : rest.length), name: name.toLowerCase(), typed: value.replace(/^"/, "") };
}

// ---- What there is to choose ----

async function choices({ name, typed }, signal) {
  if (!name) return Object.entries(FILTERS).map(([filter, means]) => ({ insert: `${filter}:`, shown: `${filter}:`, note: means, open: true }));
  if (name === "after" || name === "before") return days(name, typed);
  if (name === "under" || name === "file") return places(name, await api.scopes(typed, state().collection, signal));
  return known(name, typed, await offered(signal));
}

/** Headings with their paths, or files. */
function places(name, { headings, files }) {
  const found =
    name === "file"
      ? files.map(({ file, notes }) => ({ value: file.replace(/[[\]*?!#\\]/g, "\\$&"), shown: file, notes }))
      : headings.map(({ path, text, notes }) => ({ value: joined([...path, text]), above: path.join(" › "), shown: text, notes }));
  return found.map(({ value, notes, ...rest }) => ({ ...rest, insert: written(name, value), note: count(notes, "note") }));
}

/** Tags, states and properties, those first that begin with what is typed; of properties first the names. */
function known(name, typed, all) {
  const sought = typed.toLowerCase().replace(/^[#@]/, "");
  let found = all[name].map(({ value, count: times }) => ({ value, times }));
  if (name === "where" && !sought.includes("=")) {
    const names = new Map();
    for (const { value, times } of found) names.set(value.split("=")[0], (names.get(value.split("=")[0]) ?? 0) + times);
    found = [...names].map(([value, times]) => ({ value: `${value}=`, times, open: true }));
  }
  if (name === "todo") found = [...new Map([["open", 0], ["done", 0], ...found.map((each) => [each.value, each.times])])].map(([value, times]) => ({ value, times }));
  return found
    .filter(({ value }) => value.toLowerCase().includes(sought))
    .sort((a, b) => b.value.toLowerCase().startsWith(sought) - a.value.toLowerCase().startsWith(sought))
    .map(({ value, times, open }) => ({ insert: written(name, value), shown: value, note: times ? count(times, "note") : "", open }));
}

/** Some days in reach; any other is typed. */
function days(name, typed) {
  const today = new Date();
  const ago = (months, day) => new Date(today.getFullYear(), today.getMonth() - months, day ?? today.getDate());
  const named = [[ago(0), "today"], [ago(0, 1), "this month"], [ago(1), "a month ago"], [ago(today.getMonth(), 1), "this year"], [ago(12), "a year ago"]];
  return named
    .map(([date, note]) => ({ shown: new Intl.DateTimeFormat("sv-SE").format(date), note })) // Sweden writes 2026-01-31
    .filter(({ shown }) => shown.startsWith(typed))
    .map((each) => ({ ...each, insert: written(name, each.shown) }));
}

async function offered(signal) {
  if (!values || Date.now() - valuesFrom > FRESH) [values, valuesFrom] = [await api.filters(state().collection, signal), Date.now()];
  return values;
}

/** The filter as the service reads it; a quote cannot stand in a value. */
function written(name, value) {
  if (value.includes('"')) return "";
  return /\s/.test(value) ? `${name}:"${value}"` : `${name}:${value}`;
}

/** Whether a choice is still one for what is typed by now. */
function fits({ insert, shown, above = "", open }, { name, typed }) {
  const words = typed.toLowerCase().split(/\s+/);
  const text = `${above} ${shown}`.toLowerCase();
  return words.every((word) => text.includes(word.replace(/^[#@]/, ""))) && !(open && insert === `${name}:${typed}`);
}

// ---- The list ----

async function suggest() {
  newest?.abort();
  const at = begun();
  if (!at) return close();
  const mine = (newest = new AbortController());
  let found = [];
  try {
    found = (await choices(at, mine.signal)).filter(({ insert }) => insert);
  } catch {
    // Only a help: whatever is wrong, a search will say it.
  }
  if (newest !== mine) return;
  show(found.slice(0, MOST));
  if (options.length) sayLater(`${count(options.length, "suggestion")}. The arrow keys choose.`);
  shownFor = at.name;
  const whole = box.value.slice(at.start, at.end).toLowerCase();
  if (!found.length || found.some(({ insert, open }) => !open && insert.toLowerCase() === whole)) goOn();
}

function show(found) {
  const held = options[active]?.choice.insert; // what a key has chosen stays chosen while the list is renewed
  active = -1;
  box.removeAttribute("aria-activedescendant");
  options = found.map((choice, number) => {
    const above = choice.above ? [make("span", "trail", noteText(choice.above), " › ")] : [];
    const element = make("div", "option", ...above, noteText(choice.shown), make("span", "score", ` ${choice.note}`));
    element.role = "option";
    element.id = `completion-${number}`;
    element.ariaSelected = "false";
    element.choice = choice;
    return element;
  });
  list.replaceChildren(...options);
  list.hidden = !options.length;
  box.ariaExpanded = String(!list.hidden);
  const again = found.findIndex(({ insert }) => insert === held);
  if (again >= 0) activate(again);
}

function close() {
  clearTimeout(timer);
  newest?.abort();
  newest = null;
  show([]);
}

function activate(number) {
  options[active]?.setAttribute("aria-selected", "false");
  active = (number + options.length) % options.length;
  options[active].ariaSelected = "true";
  options[active].scrollIntoView({ block: "nearest" });
  box.setAttribute("aria-activedescendant", options[active].id);
}

function pick({ insert, open }) {
  const { start, end } = begun() ?? { start: box.value.length, end: box.value.length };
  const space = open || box.value[end] === " " ? "" : " ";
  box.setRangeText(insert + space, start, end, "end");
  if (!open && !space) box.setSelectionRange(box.selectionEnd + 1, box.selectionEnd + 1);
  box.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

// ---- Hands ----

function typed(event) {
  if (event.isComposing) return;
  clearTimeout(timer);
  const at = begun();
  const stays = (choice) => at?.name === shownFor && fits(choice, at);
  show(options.map(({ choice }) => choice).filter(stays)); // what no longer fits goes at once, so that no key can choose it
  if (at) timer = setTimeout(suggest, PAUSE);
  else close();
}

function pressed(event) {
  if (event.isComposing || event.keyCode === 229 || list.hidden) return;
  const { key } = event;
  if (key === "ArrowDown" || key === "ArrowUp") activate(active < 0 && key === "ArrowUp" ? -1 : active + (key === "ArrowDown" ? 1 : -1));
  else if ((key === "Enter" || (key === "Tab" && !event.shiftKey)) && active >= 0) pick(options[active].choice);
  else if (key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}
