// Results as a person sees them: the answer or its absence, and the places in the notes.

import { excerpt } from "./excerpt.js";
import { count, make, noteLink, noteText, place, scopeTrail, staleNote, stateLink, titleOf } from "./elements.js";
import { relatedNotes } from "./related.js";

const HEADINGS_SHOWN = 4;

/** For a reply of `api/search`. */
export function placesFound(reply) {
  const { results, outdated } = reply;
  if (results.length) return [...remarks(reply), ...resultList("Nearest places", results)];
  return outdated ? remarks(reply) : [make("p", "plain", "There are no notes to look through yet.")];
}

/** For a reply of `api/ask`. */
export function answerFound(reply, scoped) {
  const { answered, answer, confidence, results } = reply;
  const told = remarks(reply);
  if (answered) return [answerCard(answer, confidence, results), ...told, ...resultList("Where it stands", results)];
  const list = resultList("Nearest in your notes, though not an answer", results, "merely");
  return [absentCard(reply, scoped), ...told, ...list];
}

/** What was left out and why: places whose text is gone from the notes, and collections that could not be asked. */
function remarks({ outdated = [], unavailable = [] }) {
  const gone = outdated.map(({ file, state, places, collection }) => {
    const why = state === "deleted" ? "is no longer there" : "was changed since it was indexed";
    const where = collection ? [noteText(titleOf(collection)), " · "] : [];
    return ["Left out: ", count(places, "place"), " of ", ...where, make("code", "", noteText(file)), `, which ${why}.`];
  });
  const silent = unavailable.map(({ title, problem }) => ["Not asked: ", noteText(title), `. ${problem}`]);
  return [...gone, ...silent].map((parts) => make("p", "remark", ...parts));
}

function answerCard(answer, confidence, results) {
  const result = results.find(({ id }) => id === answer?.node) ?? results[0];
  const lines = (answer?.text ?? result.text).split("\n").map((line) => make("p", "", noteText(line)));
  const sure = make("span", "score", `${Math.min(Math.round(confidence * 100), 99)}% sure`);
  const open = stateLink({ note: answer?.node ?? result.id, zoom: "", map: "" }, "opener", "Open in its outline");
  const source = make("div", "foot", scopeTrail(result), place(result), sure, open);
  const card = make("section", "answer", make("h2", "over", "Your notes say"), make("blockquote", "", ...lines), source);
  card.ariaLabel = "Answer";
  return card;
}

function absentCard({ results, outdated }, scoped) {
  const absent = scoped ? "This is not in this part of your notes" : "This is not in your notes";
  const title = make("h2", "", outdated ? "Your notes may have changed here" : absent);
  const advice = outdated
    ? "What came nearest was changed or deleted after your notes were indexed. Indexed anew, they may answer."
    : results.length
      ? "Nothing you wrote down answers it. What comes nearest stands below: it may still help, or show where to add it."
    : "Nothing you wrote down answers it.";
  const card = make("section", "absent", title, make("p", "", advice));
  const headings = nearestHeadings(results);
  if (headings.length) card.append(make("h3", "", "The nearest headings"), make("ul", "headings", ...headings));
  if (scoped) card.append(make("p", "", stateLink({ under: "", file: "", collection: "" }, "opener", "Ask all notes instead")));
  return card;
}

/** What the first results stand under, each once. */
function nearestHeadings(results) {
  const found = new Map();
  for (const { path, path_ids: ids } of results) {
    if (path.length) found.set(ids.at(-1), { id: ids.at(-1), text: path.at(-1), path: path.slice(0, -1) });
  }
  return [...found.values()].slice(0, HEADINGS_SHOWN).map((heading) => make("li", "", noteLink(heading, true)));
}

function resultList(heading, results, className = "") {
  if (!results.length) return [];
  const list = make("ol", `results ${className}`, ...results.map(resultItem));
  return [make("h2", "over", heading), list];
}

function resultItem(result) {
  const link = noteLink(result);
  const [opener, related] = relatedNotes(result, link);
  const score = make("span", "score", result.score.toFixed(2));
  score.title = "How near in meaning, from 0 to 1";
  score.prepend(make("span", "unseen", "nearness "));
  const foot = make("div", "foot", place(result), score, opener);
  const above = result.path.length ? [scopeTrail(result)] : [];
  const told = staleNote(result);
  const card = make("article", "result", make("h3", "", link), ...above, excerpt(result), ...told, foot, related);
  card.dataset.id = result.id;
  return make("li", "", card);
}
