// The map of the notes: all of them as points on a canvas, near where near in meaning, with a list of the same points for
// the keyboard. Loaded when it is opened for the first time.

import * as api from "./api.js";
import { Chart } from "./chart.js";
import { button, count, make, noteText, stateLink, titles, trail } from "./elements.js";
import { failureParts } from "./stage.js";
import { noNote } from "./state.js";

const LIST_BLOCK = 200;
const PAUSE = 300; // what comes sooner needs no word
const COLOURS = 12;
let chart = null;
let opening = null;
let drawn; // the collection whose map is shown

/** Shows the map of a collection, or of the first one, in `host` with the opened note marked, or puts it away. `pick` hears the
 * id of a point that is chosen.
 */
export async function openMap(host, open, { note, collection }, pick) {
  if (!open) return chart?.rest();
  if (drawn !== collection) {
    chart?.rest();
    opening = chart = null;
    drawn = collection;
  }
  const waiting = chart ? 0 : setTimeout(sayDrawing, PAUSE, host);
  try {
    const mine = (opening ??= Promise.all([api.map(collection), style()]));
    const [view] = await mine.finally(() => clearTimeout(waiting));
    if (mine !== opening) return;
    if (!chart) build(host, view, pick);
    chart.wake();
    chart.select(note);
  } catch (error) {
    if (drawn !== collection) return;
    opening = null;
    const again = () => openMap(host, true, { note, collection }, pick);
    const alert = make("div", "trouble", ...failureParts(api.Failure.from(error), host, again));
    alert.role = "alert";
    host.tabIndex = -1;
    host.replaceChildren(alert);
  }
}

/** Who opens the map of these notes first waits while it is drawn. */
function sayDrawing(host) {
  const note = make("p", "plain", "The map is being drawn. The first time this takes some seconds.");
  note.role = "status";
  host.replaceChildren(make("h2", "over", "Map of the notes"), note);
}

/** Rings the places that a search found. */
export function ring(ids) {
  chart?.ring(ids);
}

let styled;
function style() {
  return (styled ??= new Promise((done) => {
    const link = make("link", "");
    link.rel = "stylesheet";
    link.href = new URL("map.css", import.meta.url);
    link.addEventListener("load", done);
    link.addEventListener("error", done);
    document.head.append(link);
  }));
}

function build(host, view, pick) {
  const { ids } = view;
  const order = bySize(view);
  const canvas = make("canvas", "points");
  canvas.role = "img";
  canvas.ariaLabel = `${count(ids.length, "note")} as points. The list below has all of them.`;
  const tip = make("div", "tip");
  tip.hidden = true;
  tip.ariaHidden = "true";
  const legend = make("ul", "legend", ...order.slice(0, COLOURS).map((section, i) => legendItem(view.sections[section], i)));
  if (order.length > COLOURS) legend.lastChild.replaceChildren(swatch(COLOURS - 1), `${order.length - COLOURS + 1} others`);
  const colours = new Map(order.map((section, i) => [section, Math.min(i, COLOURS - 1)]));
  const zoom = make("div", "zoom", zoomButton("+", "Zoom in", 1.6), zoomButton("−", "Zoom out", 1 / 1.6));
  zoom.append(button("quiet", "Whole map", () => chart.fit()));
  const list = make("div", "lists", make("h3", "over", "The same as a list"), ...sectionLists(view, ids));
  const some = view.notes ? ` Of ${count(view.notes, "note")} ${ids.length.toLocaleString()} are shown.` : "";
  const hint = make("p", "plain", `Each point is a note.${some} Close together means close in meaning; far apart means little.`);
  host.replaceChildren(make("h2", "over", "Map of the notes"), ...collectionLinks(view), hint, make("div", "frame", canvas, tip, zoom), legend, list);
  const points = { x: view.x, y: view.y, ids, colour: view.section.map((section) => colours.get(section)) };
  const swatches = [...legend.querySelectorAll(".swatch")];
  chart = new Chart(canvas, { ...points, edge: view.edge, labels: view.labels }, swatches, {
    pick: (id) => pick(id),
    hover: (id, x, y) => showTip(tip, id, x, y),
  });
}

/** Whose map this is, and those of the other collections. */
function collectionLinks({ collection }) {
  const links = Object.keys(titles).map((name) => {
    if (name === collection) return make("b", "", noteText(titles[name]));
    return stateLink({ collection: name, under: "", file: "", ...noNote, map: "1" }, "opener", noteText(titles[name]));
  });
  if (!links.length) return [];
  const nav = make("nav", "maps", ...links);
  nav.ariaLabel = "Collections";
  return [nav];
}

/** The numbers of the sections, largest first: colours are for those that can be seen. */
function bySize({ section, sections }) {
  const sizes = sections.map(() => 0);
  for (const number of section) sizes[number]++;
  return [...sizes.keys()].sort((a, b) => sizes[b] - sizes[a]);
}

function swatch(number) {
  const element = make("span", `swatch colour-${number}`);
  element.ariaHidden = "true";
  return element;
}

function legendItem(name, number) {
  return make("li", "", swatch(number), noteText(name));
}

function zoomButton(sign, name, factor) {
  const element = button("quiet", sign, () => chart.zoomBy(factor));
  element.ariaLabel = name;
  return element;
}

// ---- What a point says ----

const texts = new Map();
let wantedTip = "";

async function showTip(tip, id, x, y) {
  wantedTip = id;
  if (!id) return (tip.hidden = true);
  if (!texts.has(id)) texts.set(id, api.node(id).catch(() => (texts.delete(id), null)));
  const note = await texts.get(id);
  if (wantedTip !== id || !note) return;
  tip.replaceChildren(trail(note.path), noteText(note.text));
  tip.hidden = false;
  const room = tip.parentElement.getBoundingClientRect();
  const left = Math.min(Math.max(x + 14, 4), Math.max(room.width - tip.offsetWidth - 4, 4));
  const top = y + 18 + tip.offsetHeight > room.height ? y - tip.offsetHeight - 12 : y + 18;
  tip.style.setProperty("translate", `${left}px ${Math.max(top, 4)}px`);
}

// ---- The list: every point by keyboard, a section at a time ----

function sectionLists(view, ids) {
  const firsts = new Map();
  view.section.forEach((section, row) => firsts.has(section) || firsts.set(section, row));
  return [...firsts].map(([section, first]) => {
    const list = make("ul", "");
    const summary = make("summary", "", noteText(view.sections[section]));
    const details = make("details", "", summary, list);
    const more = button("quiet", "Show more", () => fill(true));
    details.append(more);
    more.hidden = true;
    let shown = 0;
    async function fill(focus) {
      const options = { zoom: view.by_file ? "" : ids[first], start: shown, top: LIST_BLOCK };
      try {
        const { rows, total } = await api.outline(ids[first], options);
        const items = rows.map(listItem);
        list.append(...items);
        shown += rows.length;
        more.hidden = shown >= total;
        more.textContent = "Show more";
        if (focus) items[0]?.querySelector("a").focus();
      } catch (error) {
        more.hidden = false;
        more.textContent = `${api.Failure.from(error).title}. Try again`;
      }
    }
    details.addEventListener("toggle", () => details.open && !shown && fill(false));
    return details;
  });
}

function listItem(row) {
  const link = stateLink({ note: row.id, zoom: "" }, "step", noteText(row.text));
  link.dataset.note = row.id;
  link.addEventListener("focus", () => chart.point(row.id));
  const item = make("li", "", link);
  item.style.setProperty("--depth", Math.min(row.depth, 12));
  return item;
}
