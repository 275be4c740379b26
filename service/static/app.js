// The page: places while one types, the answer on Enter, a note at the side, and all of it in the URL.

import * as api from "./api.js";
import { completeFilters, isCompleting } from "./complete.js";
import { copyCitation, copyLink } from "./copy.js";
import { box, count, form, make, noteText, now, panel, welcome } from "./elements.js";
import { unfold } from "./excerpt.js";
import { listen } from "./keys.js";
import { holdsFocus, showPanel } from "./panel.js";
import { answerFound, placesFound } from "./results.js";
import { showScope } from "./scope.js";
import { cancel, isBusy, later, latest, say, sayLater, show, showWelcome } from "./stage.js";
import { address, arrived, noNote, state, uncited, visit } from "./state.js";

const BUSY_PAUSE = 100; // while a reply is awaited, a new one is asked for only after this; else at once
const URL_PAUSE = 600;
const TITLE = document.title;
const map = document.getElementById("map");
const misread = document.getElementById("misread");
let charted = null; // the module of the map, once it is opened
let found = []; // the places that are shown
let asked = null; // question and scope of what is shown
let urlTimer;

// ---- What is asked for, and shown when it comes ----

function ask(target) {
  asked = wanted(target);
  return latest((signal) => embeddedReply() ?? api.ask(target, signal), showAnswer, () => ask(target));
}

function search(target) {
  asked = null; // Enter still has to ask
  return latest((signal) => api.search(target, signal), (reply) => showPlaces(reply, target), () => search(target));
}

/** The reply that came with the page, once: the question in the URL is not asked again. */
function embeddedReply() {
  const element = document.getElementById("reply");
  element?.remove();
  return element && api.embedded(element.textContent);
}

/** What of the box was not understood, in words beside it. */
function showMisread({ notices = [] } = {}) {
  misread.replaceChildren(...notices.map((notice) => make("p", "", noteText(notice))));
  box.ariaInvalid = notices.length ? "true" : null;
}

function showAnswer(reply) {
  showMisread(reply);
  const { under, file, collection } = state();
  show(...answerFound(reply, Boolean(under || file || collection)));
  say(reply.answered ? `Answered. ${count(reply.results.length, "place")}.` : "Not in your notes.", 100);
  keep(reply);
}

function showPlaces(reply, target) {
  showMisread(reply);
  show(...placesFound(reply));
  sayLater(`${count(reply.results.length, "place")}. Enter asks.`);
  keep(reply);
  clearTimeout(urlTimer);
  urlTimer = setTimeout(() => box.value.trim() === target.q && visit(target, { typed: true }), URL_PAUSE);
}

function keep({ results }) {
  found = results.map(({ id }) => id);
  charted?.ring(found);
}

// ---- The URL ----

const wanted = ({ q, under, file, collection }) => JSON.stringify([q, under, file, collection]);

/** Shows what the URL says, as far as it is not shown yet. */
function follow() {
  const target = state();
  clearTimeout(urlTimer);
  if (box.value.trim() !== target.q) box.value = target.q;
  document.title = target.q ? `${target.q.slice(0, 60)} – ${TITLE}` : TITLE;
  showScope(target, (change) => go({ ...now(), ...noNote, ...change }));
  showMap(target);
  showPanel(target, { pick: (row) => go({ ...now(), ...uncited, note: row.id }), close: closeNote });
  document.getElementById("to-map").href = address({ ...target, ...noNote, map: target.map ? "" : "1" });
  if (wanted(target) === asked) return;
  if (target.q) ask(target);
  else {
    asked = wanted(target);
    showMisread();
    keep({ results: [] });
    showWelcome();
  }
}

function closeNote() {
  go({ ...now(), ...noNote });
}

function go(target) {
  visit(target);
  follow();
}

async function showMap({ map: wanted, note, collection }) {
  if (map.hidden && !wanted) return;
  map.hidden = !wanted;
  document.getElementById("to-map").ariaCurrent = wanted ? "true" : null;
  charted ??= await import("./map.js"); // nothing of it is loaded before
  await charted.openMap(map, Boolean(state().map), { note, collection }, (id) => go({ ...now(), ...noNote, note: id }));
  charted.ring(found);
}

function openFromLink(event) {
  const link = event.target.closest?.('a[href^="?"], a[href="/"]');
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const q = box.value.trim();
  if (q !== state().q) visit({ ...state(), q }, { typed: true }); // for Back to return to
  history.pushState({}, "", new URL(link.getAttribute("href"), location));
  arrived();
  follow();
}

// ---- Hands ----

function typed(event) {
  const busy = isBusy();
  cancel(); // at once: whatever comes now answers an older text
  clearTimeout(urlTimer);
  if (event.isComposing || isCompleting()) return;
  later(searchNow, busy ? BUSY_PAUSE : 0);
}

function searchNow() {
  const target = now();
  if (target.q) search(target);
  else clear();
}

function submitted(event) {
  event.preventDefault();
  if (box.value.trim()) go({ ...now(), ...noNote, map: "" });
}

function clear() {
  box.value = "";
  go({ ...state(), q: "", ...noNote });
  box.focus();
}

function escape() {
  if (!panel.hidden) closeNote();
  else if (box.value) clear();
  else if (state().map) go({ ...now(), map: "" });
  else return document.activeElement === box ? false : box.focus();
}

function toBox() {
  box.focus();
  box.select();
}

/** Acts on the note that the focus is on: a row of the outline, the opened note, or a place. */
function withNote(act) {
  const id = document.activeElement.closest?.("[data-id]")?.dataset.id ?? (holdsFocus() ? state().note : "");
  if (!id) return false;
  api.outline(id, { top: 1 }).then(act).catch((error) => say(`${api.Failure.from(error).title}.`));
}

function related() {
  const around = document.activeElement.closest(".result, #panel");
  if (!around) return false;
  around.querySelector(".related-opener")?.click();
}

function unfoldHere(open) {
  const card = document.activeElement.closest(".result");
  if (!card) return false;
  unfold(card, open);
}

async function showHealth() {
  try {
    const { nodes, model, collections = [] } = await api.health();
    const away = collections.filter(({ state: its }) => its !== "ready").map(({ title }) => ` · “${title}” cannot be asked`);
    document.getElementById("health").textContent = `${count(nodes, "note")} · read by ${model}${away.join("")}`;
  } catch {
    // Only a courtesy: a question will say what is wrong.
  }
}

box.addEventListener("input", typed);
box.addEventListener("compositionend", typed);
form.addEventListener("submit", submitted);
document.addEventListener("click", openFromLink);
addEventListener("popstate", () => {
  arrived();
  follow();
});
listen({
  box: toBox,
  escape,
  related,
  unfold: unfoldHere,
  link: () => withNote(copyLink),
  citation: () => withNote(copyCitation),
});
completeFilters(searchNow);
arrived();
follow();
showHealth();
