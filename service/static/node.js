// An opened note, and the notes related to one.

import * as api from "./api.js";
import { button, count, make, noteLink, noteText, place, trail } from "./elements.js";
import { say } from "./stage.js";

const RELATED = 5;
let panels = 0;

/** The note with its place in the outline, its title, and the button for its related notes. */
export function openedNote(note) {
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
  return [make("article", "note", ...parts, make("p", "foot", opener), panel), title, opener];
}

/** A button and the panel that it unfolds; `subject` says of what the notes are relatives. */
export function relatedNotes(id, subject) {
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
    const { results } = await api.related(id, RELATED);
    const items = results.map((node) => make("li", "", noteLink(node), " ", place(node.source)));
    panel.replaceChildren(items.length ? make("ul", "", ...items) : make("p", "plain", "Nothing else comes near this."));
    say(count(items.length, "related note"));
  } catch (error) {
    const failure = api.Failure.from(error);
    const retry = button("quiet", "Try again", () => {
      opener.focus();
      fillRelated(panel, id, opener);
    });
    panel.replaceChildren(make("p", "plain", `${failure.title}. ${failure.message} `, retry));
    say(`${failure.title}.`);
  }
}
