// The notes related to one, each with the reason why.

import * as api from "./api.js";
import { button, count, make, noteLink, noteText, place, staleNote } from "./elements.js";
import { say } from "./stage.js";

const RELATED = 5;
let panels = 0;

/** A button and the part that it unfolds, for a note; the element `subject` says of what the others are relatives. */
export function relatedNotes({ id, text }, subject) {
  const part = make("div", "related");
  part.id = `related-${++panels}`;
  part.hidden = true;
  subject.id ||= `subject-${panels}`;
  const opener = button("quiet related-opener", "Related notes", () => {
    part.hidden = !part.hidden;
    opener.ariaExpanded = String(!part.hidden);
    if (!part.hidden && !part.hasChildNodes()) fill(part, { id, text }, opener);
  });
  opener.ariaExpanded = "false";
  opener.setAttribute("aria-controls", part.id);
  opener.setAttribute("aria-describedby", subject.id);
  return [opener, part];
}

async function fill(part, note, opener) {
  part.replaceChildren(make("p", "plain", "Looking …"));
  try {
    const { results } = await api.related(note.id, RELATED);
    const items = results.map((other) => item(other, note.text));
    part.replaceChildren(items.length ? make("ul", "", ...items) : make("p", "plain", "Nothing else comes near this."));
    say(count(items.length, "related note"));
  } catch (error) {
    const failure = api.Failure.from(error);
    const retry = button("quiet", "Try again", () => {
      opener.focus();
      fill(part, note, opener);
    });
    part.replaceChildren(make("p", "plain", `${failure.title}. ${failure.message} `, retry));
    say(`${failure.title}.`);
  }
}

function item(node, subject) {
  const reasons = reasonLines(node, subject).map((parts) => make("li", "", ...parts));
  return make("li", "", noteLink(node, true), " ", place(node), ...staleNote(node), make("ul", "reasons", ...reasons));
}

/** Why a note is related: the closest lines, the words that both have, the heading above both. */
function reasonLines({ why, score, text }, subject) {
  const lines = why.lines.filter(({ here, there }) => here !== subject || there !== text); // that much is plain already
  const reasons = lines.map(({ here, there }) =>
    there === text ? ["near to “", noteText(here), "”"] : ["“", noteText(there), "” is near to “", noteText(here), "”"],
  );
  if (why.terms.length) reasons.push(["both say ", ...why.terms.flatMap((term, i) => [i ? ", " : "", make("b", "", noteText(term))])]);
  if (why.under.length) reasons.push(["both under ", noteText(why.under.at(-1))]);
  if (!reasons.length) reasons.push([`near in meaning as a whole (${score.toFixed(2)})`]);
  return reasons;
}
