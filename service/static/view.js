// Results as a person sees them: the answer or its absence, and the places in the notes.

import { harmless, make, noteLink, noteText, place, trail } from "./elements.js";
import { relatedNotes } from "./node.js";

/** For a reply of `api/search`. */
export function placesFound({ results }) {
  if (results.length) return resultList("Nearest places", results);
  return [make("p", "plain", "There are no notes to look through yet.")];
}

/** For a reply of `api/ask`. */
export function answerFound({ answered, answer, confidence, results }) {
  if (answered) return [answerCard(answer, confidence, results), ...resultList("Where it stands", results)];
  return [absentCard(results), ...resultList("Nearest in your notes, though not an answer", results, "merely")];
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

function resultList(heading, results, className = "") {
  if (!results.length) return [];
  const list = make("ol", `results ${className}`, ...results.map(resultItem));
  return [make("h2", "over", heading), list];
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

function excerptLine(line) {
  const bullet = line.marker ? [make("span", "bullet", `${harmless(line.marker)} `)] : [];
  const hint = line.hit ? [make("span", "unseen", "Match: ")] : [];
  const body = make("span", "body", ...hint, ...bullet, markedText(line));
  body.style.setProperty("--depth", Math.min(line.depth, 12)); // a deep outline must not push its text off a phone
  const number = make("span", "number", String(line.line));
  number.ariaHidden = "true";
  return make("li", line.hit ? "hit" : "", number, body);
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
