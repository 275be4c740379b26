// Results as a person sees them: the answer or its absence, and the places in the notes.

import { excerpt } from "./excerpt.js";
import { make, noteLink, noteText, place, scopeTrail, stateLink } from "./elements.js";
import { relatedNotes } from "./related.js";

const HEADINGS_SHOWN = 4;

/** For a reply of `api/search`. */
export function placesFound({ results }) {
  if (results.length) return resultList("Nearest places", results);
  return [make("p", "plain", "There are no notes to look through yet.")];
}

/** For a reply of `api/ask`. */
export function answerFound({ answered, answer, confidence, results }, scoped) {
  if (answered) return [answerCard(answer, confidence, results), ...resultList("Where it stands", results)];
  return [absentCard(results, scoped), ...resultList("Nearest in your notes, though not an answer", results, "merely")];
}

function answerCard(answer, confidence, results) {
  const result = results.find(({ id }) => id === answer?.node) ?? results[0];
  const lines = (answer?.text ?? result.text).split("\n").map((line) => make("p", "", noteText(line)));
  const sure = make("span", "score", `${Math.min(Math.round(confidence * 100), 99)}% sure`);
  const open = stateLink({ note: answer?.node ?? result.id, zoom: "", map: "" }, "opener", "Open in its outline");
  const source = make("div", "foot", scopeTrail(result.path), place(result.source), sure, open);
  const card = make("section", "answer", make("h2", "over", "Your notes say"), make("blockquote", "", ...lines), source);
  card.ariaLabel = "Answer";
  return card;
}

function absentCard(results, scoped) {
  const title = make("h2", "", scoped ? "This is not in this part of your notes" : "This is not in your notes");
  const advice = results.length
    ? "Nothing you wrote down answers it. What comes nearest stands below: it may still help, or show where to add it."
    : "Nothing you wrote down answers it.";
  const card = make("section", "absent", title, make("p", "", advice));
  const headings = nearestHeadings(results);
  if (headings.length) card.append(make("h3", "", "The nearest headings"), make("ul", "headings", ...headings));
  if (scoped) card.append(make("p", "", stateLink({ under: "", file: "" }, "opener", "Ask all notes instead")));
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
  const foot = make("div", "foot", place(result.source), score, opener);
  const above = result.path.length ? [scopeTrail(result.path)] : [];
  const card = make("article", "result", make("h3", "", link), ...above, excerpt(result), foot, related);
  card.dataset.id = result.id;
  return make("li", "", card);
}
