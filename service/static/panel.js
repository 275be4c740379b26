// The side panel: a note in its outline, what it is related to, and what became of it since it was cited.

import * as api from "./api.js";
import { copyCitation, copyLink } from "./copy.js";
import { box, button, harmless, make, noteText, panel, place, stateLink } from "./elements.js";
import { singleKeys } from "./keys.js";
import { Outline } from "./outline.js";
import { relatedNotes } from "./related.js";
import { failureParts, say } from "./stage.js";

const SHOWN = ["note", "zoom", "hash", "quote"];
const CITED = ({ note, hash, quote, in: parent }) => ({ note, hash, quote, in: parent });
const STALE = {
  changed: "This file was changed since it was indexed. What is struck through does not stand in it any more; what is new is not shown.",
  deleted: "This note does not stand in its file any more: the file was changed since it was indexed.",
  unreachable: "The file cannot be read now. This is what it said when it was indexed.",
};
const NARROW = matchMedia("(width < 64rem)"); // there the panel covers the page, as in panel.css

const BEHIND = document.querySelectorAll(".top, #scope, #main, footer");

let outline = null;
let opened = {}; // the state whose note is shown
let newest = null;
let opener = null; // what takes the focus back

/** Shows the note of this state, or nothing. `hands` are what to do when a row is picked and when the panel is closed. */
export async function showPanel(target, hands) {
  if (!target.note) return hide();
  if (SHOWN.every((key) => target[key] === opened[key])) return;
  if (panel.hidden) opener = document.activeElement;
  if (!target.hash && target.zoom === opened.zoom && moveTo(target)) return;
  newest?.abort();
  const mine = (newest = new AbortController());
  reveal(hands.close);
  opened = target;
  try {
    const fate = target.hash && target.quote ? await api.citation(CITED(target), mine.signal) : null;
    const id = fate ? fate.note?.id : target.note;
    const view = id && (await api.outline(id, { zoom: target.zoom }, mine.signal));
    if (newest !== mine) return;
    if (view) build(view, hands);
    else panel.replaceChildren(make("header", "head", unseenTitle()), closer(hands.close));
    if (fate) tell(fate);
  } catch (error) {
    if (newest === mine) fail(api.Failure.from(error), target, hands);
  }
}

export function holdsFocus() {
  return panel.contains(document.activeElement);
}

function reveal(close) {
  if (panel.hidden) {
    panel.hidden = false;
    panel.replaceChildren(closer(close), unseenTitle());
  }
  cover();
}

/** Where the panel covers the page, what is under it can neither be reached nor read out. */
function cover() {
  for (const part of BEHIND) part.inert = !panel.hidden && NARROW.matches;
}

function hide() {
  newest?.abort();
  newest = null;
  if (panel.hidden) return;
  const held = holdsFocus() || document.activeElement === document.body;
  outline?.close();
  outline = null;
  const left = opened.note ?? "";
  opened = {};
  panel.hidden = true;
  panel.replaceChildren();
  cover();
  if (!held) return;
  const again = document.querySelector(`#stage [data-note="${CSS.escape(left)}"]`);
  const home = [opener, again, box].find((each) => each?.isConnected && each !== document.body && each.checkVisibility());
  home.focus({ preventScroll: home === box });
}

/** To a row that is there already; the tree stays as it is. */
function moveTo(target) {
  const number = outline ? outline.find(target.note) : -1;
  if (number < 0) return false;
  opened = target;
  outline.mark(number);
  outline.enter(number);
  api.outline(target.note, { zoom: target.zoom, top: 1 }).then(
    (view) => opened === target && setHead(view),
    () => {}, // the row is there; only what stands above the outline is that of the row before
  );
  outline.here.scrollIntoView({ block: "nearest" });
  return true;
}

function build(view, { pick, close }) {
  outline?.close();
  outline = new Outline(view, pick, (failure) => say(`${failure.title}. ${failure.message}`));
  outline.reserved = (key) => singleKeys() && /^[crCR]$/.test(key);
  outline.tree.setAttribute("aria-labelledby", "panel-title");
  panel.replaceChildren(make("header", "head"), make("div", "scroller", outline.tree), closer(close));
  setHead(view);
  outline.here?.scrollIntoView({ block: "center" });
  outline.here?.focus({ preventScroll: true });
}

/** What has become of a cited note, in words, with both texts where they differ. */
function tell({ state: fate, message, quote, note }) {
  const parts = [make("p", "", noteText(message))];
  const both = fate === "edited" ? [["It was quoted as", quote], ["It now says", note.text]] : [];
  if (fate === "deleted") both.push(["It was quoted as", quote]);
  for (const [label, text] of both) parts.push(make("p", "over", label), make("blockquote", "", noteText(text)));
  panel.querySelector(".head").append(make("section", `fate ${fate}`, ...parts));
  panel.querySelector(".fate").ariaLabel = "Citation";
  if (!note) panel.querySelector(".close").focus();
  say(message);
}

function unseenTitle() {
  const title = make("h2", "unseen", "Note");
  title.id = "panel-title";
  return title;
}

/** What stands above the outline: the note, its trail, what can be done with it. */
function setHead(view) {
  const title = make("h2", "", noteText(view.text));
  title.id = "panel-title";
  const [related, relatives] = relatedNotes({ id: view.node, text: view.text }, title);
  const actions = make(
    "div",
    "actions",
    button("quiet", "Copy link", () => copyLink(view)),
    button("quiet", "Copy citation", () => copyCitation(view)),
    related,
  );
  const told = view.stale ? [make("section", "fate edited", make("p", "", STALE[view.stale]))] : [];
  panel.querySelector(".head").replaceChildren(zoomTrail(view), title, make("p", "", place(view)), ...told, actions, relatives);
  document.title = `${harmless(view.text).slice(0, 60)} – Trellis`;
}

/** File and ancestors, each a link that zooms to it; the widest part shown is the one without a link. */
function zoomTrail(view) {
  const file = { id: "", text: view.source.file };
  const own = outline.rows[view.at].below ? [{ id: view.node, text: "only this" }] : [];
  const steps = [file, ...view.path, ...own].map(({ id, text }) => {
    if ((view.zoom?.id ?? "") === id) return make("b", "", noteText(text));
    const link = stateLink({ zoom: id, note: view.node }, "segment", noteText(text));
    link.title = id ? "Show only this part of the outline" : "Show the whole file";
    return link;
  });
  const parts = steps.flatMap((step, i) => (i ? [make("span", "chevron", " › "), step] : [step]));
  const trail = make("nav", "trail", ...parts);
  trail.ariaLabel = "Zoom";
  return trail;
}

function closer(close) {
  const element = button("close", "", close);
  element.ariaLabel = "Close the note";
  return element;
}

function fail(failure, target, hands) {
  opened = {};
  const again = () => showPanel(target, hands);
  const alert = make("div", "trouble", ...failureParts(failure, panel.querySelector(".close"), again));
  alert.role = "alert";
  panel.replaceChildren(closer(hands.close), unseenTitle(), alert);
  panel.querySelector(".close").focus();
}

NARROW.addEventListener("change", cover);
