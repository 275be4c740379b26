// A note as a link or as a citation, into the clipboard.

import { harmless, make } from "./elements.js";
import { say } from "./stage.js";

/** `note` is the service's view of an outline around it. */
export function copyLink(note) {
  return copy(linkTo(note), "Link copied.");
}

export function copyCitation(note) {
  const path = note.path.map((step) => harmless(step.text)).join(" › ");
  const where = `${path && `${path} `}(${harmless(note.source.file)}:${note.source.line})`;
  return copy(`“${harmless(note.text)}” — ${where} ${linkTo(note)}`, "Citation copied.");
}

function linkTo({ cite }) {
  return new URL(cite, location).href;
}

async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    say(done);
  } catch {
    say(copyByHand(text) ? done : "This browser does not let Trellis copy.");
  }
}

/** For pages without the newer way: those served without encryption to another machine. */
function copyByHand(text) {
  const held = document.activeElement;
  const field = make("textarea", "unseen");
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  held?.focus({ preventScroll: true });
  return copied;
}
