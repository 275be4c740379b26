// The page: places while one types, the answer on Enter, and what is shown in the URL.
// Notes are never trusted: their text reaches the page as text nodes only, each isolated from its neighbours.

const TYPING_PAUSE = 120;
const STATUS_PAUSE = 500; // a screen reader should hear the result of a word, not of every letter
const PATIENCE = 10_000;
const TITLE = document.title;
const [box, form, status, problem, welcome, stage] = ["box", "form", "status", "problem", "welcome", "stage"].map((id) =>
  document.getElementById(id),
);

// ---- Elements ----

/** An element; strings among the children become text, so nothing from a note is ever read as markup. */
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

function button(className, label, act) {
  const element = make("button", className, label);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

/** Controls and overrides of writing direction, which could make a note look like something else, as visible signs. */
function harmless(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

function noteText(text, className = "") {
  return make("bdi", className, harmless(text));
}

/** Ancestors, outermost first; the last one leads to `parent` where that is given. */
function trail(path, parent) {
  const steps = path.map((text) => noteText(text));
  if (parent) steps.splice(-1, 1, noteLink(parent));
  return make("span", "trail", ...steps.flatMap((step, i) => (i ? [" › ", step] : [step])));
}

/** Trail and text in one link, so that the name that is read out has both. */
function noteLink(node) {
  const parts = node.path?.length ? [trail(node.path), make("span", "unseen", ": ")] : [];
  const link = make("a", "step", ...parts, noteText(node.text, "title"));
  link.href = address({ q: box.value.trim(), note: node.id });
  link.dataset.note = node.id;
  return link;
}

function place(source) {
  return make("code", "place", noteText(source.file), `:${source.line}`);
}

/** The line with its marks. Marks count characters as Python does; JavaScript's own index would split an emoji. */
function markedText(line) {
  const characters = Array.from(line.text);
  const between = (from, to) => harmless(characters.slice(from, to).join(""));
  const text = make("bdi", "text");
  let at = 0;
  for (const [start, end] of line.marks) {
    text.append(between(at, start), make("mark", "", between(start, end)));
    at = end;
  }
  text.append(between(at));
  return text;
}

function excerptLine(line) {
  const bullet = line.marker ? [make("span", "bullet", `${harmless(line.marker)} `)] : [];
  const hint = line.hit ? [make("span", "unseen", "Match: ")] : [];
  const body = make("span", "body", ...hint, ...bullet, markedText(line));
  body.style.setProperty("--depth", Math.min(line.depth, 12)); // a deep outline must not push its text off a phone
  const number = make("span", "number", String(line.line));
  number.ariaHidden = "true";
  return make("li", line.hit ? "hit" : "", number, body);
}

function resultItem(result) {
  const link = noteLink(result);
  const [opener, panel] = relatedNotes(result.id, link);
  const score = make("span", "score", result.score.toFixed(2));
  score.title = "How near in meaning, from 0 to 1";
  score.prepend(make("span", "unseen", "nearness "));
  const foot = make("p", "foot", place(result.source), score, opener);
  const excerpt = make("ol", "excerpt", ...result.excerpt.map(excerptLine));
  return make("li", "", make("article", "result", make("h3", "", link), excerpt, foot, panel));
}

function resultList(heading, results, className = "") {
  if (!results.length) return [];
  const list = make("ol", `results ${className}`, ...results.map(resultItem));
  return [make("h2", "over", heading), list];
}

// ---- Requests ----

class Failure extends Error {
  constructor(title, message) {
    super(message);
    this.title = title;
  }
}

/** The reply's JSON. Whatever goes wrong becomes a Failure in our own words. */
async function call(path, { signal, ...options } = {}) {
  const late = AbortSignal.timeout(PATIENCE);
  let response, body;
  try {
    response = await fetch(path, { ...options, signal: signal ? AbortSignal.any([signal, late]) : late });
    body = await response.json();
  } catch (error) {
    if (late.aborted) throw new Failure("Trellis is taking too long", "There was no reply within ten seconds.");
    if (error instanceof SyntaxError) throw unreadable();
    throw new Failure("Trellis cannot be reached", "The service that reads your notes may have stopped, or the network is away.");
  }
  if (response.ok) return body;
  const detail = typeof body?.detail === "string" ? body.detail : `It replied with status ${response.status}.`;
  throw new Failure(response.status < 500 ? "Trellis cannot take this" : "Trellis has a problem", detail);
}

function unreadable() {
  return new Failure("The reply cannot be read", "Something other than Trellis may be answering at this address.");
}

let newest; // of the requests for what the page shows

/** Stops what is under way; its reply, however late, will not be shown. */
function cancel() {
  newest?.abort();
  newest = null;
  clearTimeout(typingTimer);
  clearTimeout(statusTimer);
}

async function latest(path, options, show, again) {
  cancel();
  const mine = (newest = new AbortController());
  stage.ariaBusy = "true";
  say("Looking …", STATUS_PAUSE); // heard and seen only when it takes that long
  try {
    const reply = await call(path, { ...options, signal: mine.signal });
    if (newest === mine) show(reply);
  } catch (error) {
    if (newest === mine) showFailure(error instanceof Failure ? error : unreadable(), again);
  } finally {
    if (newest === mine) stage.ariaBusy = "false";
  }
}

function ask(question) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ question }) };
  return latest("api/ask", options, showAnswer, () => ask(question));
}

function search(query) {
  return latest(`api/search?${new URLSearchParams({ q: query })}`, {}, showPlaces, () => search(query));
}

function openNote(id) {
  return latest(`api/nodes/${encodeURIComponent(id)}`, {}, showNote, () => openNote(id));
}

// ---- What is shown ----

let statusTimer;
let shownNote = null;
let leftNote = null; // the note that Back came from: its link gets the focus again

function say(text, pause = 0) {
  clearTimeout(statusTimer);
  statusTimer = setTimeout(() => (status.textContent = text), pause);
}

function show(...parts) {
  const held = stage.contains(document.activeElement) || leftNote;
  welcome.hidden = parts.length > 0;
  problem.replaceChildren();
  stage.replaceChildren(...parts);
  if (held) (stage.querySelector(`[data-note="${CSS.escape(leftNote)}"]`) ?? box).focus(); // never lost to the body
  leftNote = null;
}

function showWelcome() {
  cancel();
  show();
  say("");
}

function showPlaces({ results }) {
  const nothing = make("p", "plain", "There are no notes to look through yet.");
  show(...(results.length ? resultList("Nearest places", results) : [nothing]));
  say(`${count(results.length, "place")}. Enter asks.`, STATUS_PAUSE);
}

function showAnswer({ answered, answer, confidence, results }) {
  const top = answered ? answerCard(answer, confidence, results) : absentCard(results);
  const list = answered
    ? resultList("Where it stands", results)
    : resultList("Nearest in your notes, though not an answer", results, "merely");
  show(top, ...list);
  say(answered ? `Answered. ${count(results.length, "place")}.` : "Not in your notes.");
}

function answerCard(answer, confidence, results) {
  const result = results.find(({ id }) => id === answer?.node) ?? results[0];
  const lines = (answer?.text ?? result.text).split("\n").map((line) => make("p", "", noteText(line)));
  const sure = make("span", "score", `${Math.min(Math.round(confidence * 100), 99)}% sure`);
  const source = make("p", "foot", trail(result.path), place(result.source), sure);
  const card = make("section", "answer", make("h2", "over", "Your notes say"), make("blockquote", "", ...lines), source);
  card.ariaLabel = "Answer";
  return card;
}

function absentCard(results) {
  const nearest = results.length ? " What comes nearest stands below; it may still help, or show where to add it." : "";
  const title = make("h2", "", "This is not in your notes");
  return make("section", "absent", title, make("p", "", `Nothing you wrote down answers it.${nearest}`));
}

function showNote(note) {
  shownNote = note.id;
  const title = make("h2", "", noteText(note.text));
  title.tabIndex = -1; // takes the focus from the link that was followed
  const parts = [title, make("p", "foot", place(note.source))];
  if (note.path.length) parts.unshift(make("p", "", trail(note.path, note.parent)));
  if (note.children.length) {
    parts.push(make("ul", "children", ...note.children.map((child) => make("li", "", noteLink(child)))));
  }
  const more = note.child_count - note.children.length;
  if (more > 0) parts.push(make("p", "plain", `and ${more.toLocaleString()} more`));
  const [opener, panel] = relatedNotes(note.id, title);
  show(make("article", "note", ...parts, make("p", "foot", opener), panel));
  opener.click();
  say("");
  document.title = `${harmless(note.text).slice(0, 60)} – ${TITLE}`;
  title.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function showFailure(failure, again) {
  show();
  welcome.hidden = true;
  say("");
  const retry = button("", "Try again", () => {
    box.focus(); // the button goes away with the message
    again();
  });
  const kept = box.value ? " What you typed is kept." : "";
  problem.replaceChildren(make("h2", "", failure.title), make("p", "", failure.message + kept), retry);
}

function count(number, noun) {
  return `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
}

// ---- Related notes ----

let panels = 0;

/** A button and the panel that it unfolds; `subject` says of what the notes are relatives. */
function relatedNotes(id, subject) {
  const panel = make("div", "related");
  panel.id = `related-${++panels}`;
  panel.hidden = true;
  subject.id = `subject-${panels}`;
  const opener = button("quiet", "Related notes", () => {
    panel.hidden = !panel.hidden;
    opener.ariaExpanded = String(!panel.hidden);
    if (!panel.hidden && !panel.hasChildNodes()) fillRelated(panel, id, opener);
  });
  opener.ariaExpanded = "false";
  opener.setAttribute("aria-controls", panel.id);
  opener.setAttribute("aria-describedby", subject.id);
  return [opener, panel];
}

async function fillRelated(panel, id, opener) {
  panel.replaceChildren(make("p", "plain", "Looking …"));
  try {
    const { results } = await call(`api/nodes/${encodeURIComponent(id)}/related?top=5`);
    const items = results.map((node) => make("li", "", noteLink(node), " ", place(node.source)));
    panel.replaceChildren(items.length ? make("ul", "", ...items) : make("p", "plain", "Nothing else comes near this."));
    say(count(items.length, "related note"));
  } catch (error) {
    const failure = error instanceof Failure ? error : unreadable();
    const retry = button("quiet", "Try again", () => {
      opener.focus();
      fillRelated(panel, id, opener);
    });
    panel.replaceChildren(make("p", "plain", `${failure.title}. ${failure.message} `, retry));
    say(`${failure.title}.`);
  }
}

// ---- The URL ----

function address({ q = "", note = "" }) {
  const params = new URLSearchParams();
  if (q) params.set("q", q);
  if (note) params.set("note", note);
  return params.size ? `?${params}` : location.pathname;
}

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

let typingTimer;

function typed(event) {
  cancel(); // at once: whatever comes now answers an older text
  if (event.isComposing) return;
  typingTimer = setTimeout(() => {
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
    const { nodes, model } = await call("healthz");
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
  leftNote = shownNote;
  follow();
});
follow();
showHealth();
