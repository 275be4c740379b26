// The page: places while one types, the answer on Enter, and what is shown in the URL.

import * as api from "./api.js";
import { address, box, count, form, harmless, stage } from "./elements.js";
import { openedNote } from "./node.js";
import { cancel, later, latest, returnFrom, say, sayLater, show, showWelcome } from "./stage.js";
import { answerFound, placesFound } from "./view.js";

const TYPING_PAUSE = 120;
const TITLE = document.title;
let shownNote = null;

// ---- What is asked for, and shown when it comes ----

function ask(question) {
  return latest((signal) => api.ask(question, signal), showAnswer, () => ask(question));
}

function search(query) {
  return latest((signal) => api.search(query, signal), showPlaces, () => search(query));
}

function openNote(id) {
  return latest((signal) => api.node(id, signal), showNote, () => openNote(id));
}

function showAnswer(reply) {
  show(...answerFound(reply));
  say(reply.answered ? `Answered. ${count(reply.results.length, "place")}.` : "Not in your notes.");
}

function showPlaces(reply) {
  show(...placesFound(reply));
  sayLater(`${count(reply.results.length, "place")}. Enter asks.`);
}

function showNote(note) {
  shownNote = note.id;
  const [article, title, opener] = openedNote(note);
  show(article);
  opener.click();
  say("");
  document.title = `${harmless(note.text).slice(0, 60)} – ${TITLE}`;
  title.focus({ preventScroll: true });
  scrollTo(0, 0);
}

// ---- The URL ----

function visit(target) {
  const url = new URL(address(target), location);
  if (url.href !== location.href) history.pushState(null, "", url);
}

/** Shows what the URL says. */
function follow() {
  const params = new URLSearchParams(location.search);
  const question = params.get("q")?.trim() ?? "";
  const note = params.get("note");
  shownNote = null;
  box.value = question;
  document.title = question ? `${question.slice(0, 60)} – ${TITLE}` : TITLE;
  if (note) openNote(note);
  else if (question) ask(question);
  else showWelcome();
}

function openFromLink(event) {
  const link = event.target.closest?.("a[data-note]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const q = box.value.trim();
  if (!shownNote) visit({ q }); // places found while typing have no entry yet for Back to return to
  visit({ q, note: link.dataset.note });
  follow();
}

// ---- Hands ----

function typed(event) {
  cancel(); // at once: whatever comes now answers an older text
  if (event.isComposing) return;
  later(() => {
    const query = box.value.trim();
    if (query) search(query);
    else showWelcome();
  }, TYPING_PAUSE);
}

function submitted(event) {
  event.preventDefault();
  const q = box.value.trim();
  if (!q) return;
  visit({ q });
  follow();
}

function clear() {
  box.value = "";
  visit({});
  follow();
  box.focus();
}

/** Down and up walk over the box and the links of all places. */
function walk(step) {
  const stops = [box, ...stage.querySelectorAll(".step")].filter((stop) => stop.checkVisibility());
  const at = stops.indexOf(document.activeElement);
  if (at < 0 || !stops[at + step]) return false;
  stops[at + step].focus();
  return true;
}

function pressed(event) {
  // An input method's own keys, which some browsers report only by the code 229, are not for us.
  if (event.isComposing || event.keyCode === 229) return event.key === "Enter" && event.preventDefault();
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const writing = event.target.matches?.("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !writing) {
    event.preventDefault();
    box.focus();
    box.select();
  } else if (event.key === "Escape" && (box.value || location.search)) {
    event.preventDefault();
    clear();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (walk(event.key === "ArrowDown" ? 1 : -1)) event.preventDefault();
  }
}

async function showHealth() {
  try {
    const { nodes, model } = await api.health();
    document.getElementById("health").textContent = `${count(nodes, "note")} · read by ${model}`;
  } catch {
    // Only a courtesy: a question will say what is wrong.
  }
}

box.addEventListener("input", typed);
box.addEventListener("compositionend", typed);
form.addEventListener("submit", submitted);
document.addEventListener("click", openFromLink);
document.addEventListener("keydown", pressed);
addEventListener("popstate", () => {
  returnFrom(shownNote);
  follow();
});
follow();
showHealth();
