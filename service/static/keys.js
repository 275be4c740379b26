// The keyboard: what each key does, and the list of them.

import { box, stage } from "./elements.js";

const dialog = document.getElementById("keys");
const single = document.getElementById("single");
const STORED = "trellis-single-keys";

/** Whether keys of a single letter or sign act; some people's software types them by accident (WCAG 2.1.4). */
export function singleKeys() {
  return single.checked;
}

/** `acts`: what the keys do, by name; each may answer false for "not now". */
export function listen(acts) {
  try {
    single.checked = localStorage.getItem(STORED) !== "off";
  } catch {
    // A browser that stores nothing: the choice holds for this visit.
  }
  single.addEventListener("change", remember);
  document.getElementById("to-keys").addEventListener("click", () => dialog.showModal());
  document.addEventListener("keydown", (event) => {
    if (pressed(event, acts) !== false) event.preventDefault();
  });
}

function remember() {
  try {
    localStorage.setItem(STORED, single.checked ? "on" : "off");
  } catch {
    // As above.
  }
}

function pressed(event, acts) {
  // An input method's own keys, which some browsers report only by the code 229, are not for us.
  if (event.isComposing || event.keyCode === 229) return event.key === "Enter" && event.target === box;
  if (event.defaultPrevented || dialog.open) return false;
  const { key } = event;
  if ((event.metaKey || event.ctrlKey) && !event.altKey && !event.shiftKey && key.toLowerCase() === "k") return acts.box();
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (key === "Escape") return acts.escape();
  if (event.target !== box && event.target.matches?.("input, textarea, select, [contenteditable]")) return false;
  if (key === "ArrowDown") return walk(1);
  if (key === "ArrowUp") return walk(-1);
  if (event.target === box) return false;
  if (key === "ArrowRight") return acts.unfold(true);
  if (key === "ArrowLeft") return acts.unfold(false);
  if (!singleKeys()) return false;
  if (key === "/") return acts.box();
  if (key === "?") return dialog.showModal();
  if (key.toLowerCase() === "c") return event.shiftKey ? acts.citation() : acts.link();
  if (key === "r") return acts.related();
  return false;
}

/** Down and up walk over the box and the links of all places. */
function walk(step) {
  const stops = [box, ...stage.querySelectorAll(".step")].filter((stop) => stop.checkVisibility());
  const at = stops.indexOf(document.activeElement);
  if (at < 0 || !stops[at + step]) return false;
  stops[at + step].focus();
}
