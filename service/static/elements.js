// The page's own elements, and the making of new ones. Notes are never trusted: their text reaches the page as text
// nodes only, each isolated from its neighbours.

import { address, joined, noNote, state, uncited } from "./state.js";

const IDS = ["box", "form", "status", "problem", "welcome", "stage", "panel"];
export const [box, form, status, problem, welcome, stage, panel] = IDS.map((id) => document.getElementById(id));

/** An element; strings among the children become text, so nothing from a note is ever read as markup. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

export function button(className, label, act) {
  const element = make("button", className, label);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

/** Controls and overrides of writing direction, which could make a note look like something else, as visible signs. */
export function harmless(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

export function noteText(text, className = "") {
  return make("bdi", className, harmless(text));
}

/** What is shown now, with what is typed and not in the URL yet. */
export function now() {
  return { ...state(), q: box.value.trim() };
}

/** A link to the present state with this change; app.js follows it without loading the page anew. */
export function stateLink(change, className, ...children) {
  const link = make("a", className, ...children);
  link.href = address({ ...now(), ...uncited, ...change });
  return link;
}

function between(steps) {
  return steps.flatMap((step, i) => (i ? [make("span", "chevron", " › "), step] : [step]));
}

/** Ancestors, outermost first, as text. */
export function trail(path) {
  return make("span", "trail", ...between(path.map((text) => noteText(text))));
}

/** Ancestors, outermost first, each a link that keeps the search to what stands below it; where a path is shortened, from there on none. */
export function scopeTrail({ path, collection = "" }) {
  const shortened = path.findIndex((text) => text === "…" || (text.length > 100 && text.endsWith("…")));
  const steps = path.map((text, i) => {
    if (shortened >= 0 && i >= shortened) return noteText(text);
    const under = joined(path.slice(0, i + 1));
    const link = stateLink({ under, collection, ...noNote, map: "" }, "segment", noteText(text));
    link.title = "Look only under this";
    return link;
  });
  return make("p", "trail", ...between(steps));
}

/** A link that opens the note at the side. Its name carries the trail, seen or not. */
export function noteLink(node, shownTrail = false) {
  const above = node.path?.length ? [trail(node.path), make("span", "unseen", ": ")] : [];
  const hidden = above.length && !shownTrail ? [make("span", "unseen", ...above)] : above;
  const link = stateLink({ note: node.id, zoom: "", map: "" }, "step", ...hidden, noteText(node.text, "title"));
  link.dataset.note = node.id;
  return link;
}

export function place({ source, collection }) {
  const of = collection ? [noteText(titleOf(collection)), " · "] : [];
  return make("code", "place", ...of, noteText(source.file), `:${source.line}`);
}

/** The collections of the service, name → title; none where there is only one. */
export const titles = JSON.parse(document.getElementById("scope")?.dataset.collections || "{}");

export function titleOf(collection) {
  return titles[collection] ?? collection;
}

const STALE = {
  changed: "The file was changed since it was indexed; this still stands in it.",
  deleted: "This does not stand in its file any more, which was changed since it was indexed.",
  unreachable: "The file cannot be read now; this is what it said when it was indexed.",
};

/** Shows that a line does not stand in its file any more. */
export function strike(line, body) {
  line.classList.add("gone");
  body.prepend(make("span", "unseen", "No longer there: "));
}

/** What a reader should know about a note whose file is not as it was indexed, if anything. */
export function staleNote({ stale }) {
  return stale ? [make("p", "stale", STALE[stale])] : [];
}

export function count(number, noun) {
  return `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
}
