// The lines of a result in their outline. What is left out beside them is counted, and opened in place.

import * as api from "./api.js";
import { button, count, harmless, make, noteText, strike } from "./elements.js";
import { say } from "./stage.js";

const AT_ONCE = 50;
const DEEPEST = 12; // a deep outline must not push its text off a phone
const folds = new WeakMap(); // excerpt element → how to unfold and fold it

export function excerpt({ excerpt: lines, cut }) {
  const list = make("ol", "excerpt", ...lines.map((line) => lineItem(line, markedText(line))));
  if (!cut) return list;
  const own = [...list.children];
  const ends = [end(list, cut, lines, "above"), end(list, cut, lines, "below")];
  list.prepend(ends[0].item);
  list.append(ends[1].item);
  folds.set(list, {
    unfold: () => Promise.all(ends.map((each) => each.open())),
    fold() {
      for (const row of [...list.children]) if (!own.includes(row) && !ends.some(({ item }) => item === row)) row.remove();
      ends.forEach((each) => each.reset());
    },
  });
  return list;
}

/** Opens or folds what is left out of the excerpt inside `card`. */
export function unfold(card, open) {
  const list = card.querySelector(".excerpt");
  return folds.get(list)?.[open ? "unfold" : "fold"]();
}

/** What stands above or below the excerpt: a row that tells how much it is, and shows the part next to the excerpt. */
function end(list, cut, lines, where) {
  const beside = where === "above" ? cut.before : cut.after;
  const item = make("li", "more");
  let left, busy;

  function label() {
    if (left < beside.notes) return `${left.toLocaleString()} more ${where}`;
    const siblings = beside.siblings ? count(beside.siblings, "sibling") : "";
    const below = beside.notes - beside.siblings;
    if (!siblings) return `${count(beside.notes, "line")} ${where}`;
    return below ? `${siblings} ${where}, with ${count(below, "line")} under them` : `${siblings} ${where}`;
  }

  function reset() {
    left = beside.notes;
    const opener = button("quiet", label(), open);
    opener.ariaExpanded = "false";
    item.replaceChildren(opener);
    item.hidden = !left;
  }

  async function open() {
    if (!left || busy) return;
    busy = true;
    const top = Math.min(left, AT_ONCE);
    try {
      const start = where === "above" ? left - top + 1 : cut.rows - left; // row 0 is the part's own heading
      const { rows } = await api.outline(cut.node, { zoom: cut.node, start, top });
      const items = rows.map((row) => lineItem({ ...row, depth: row.depth - cut.depth }, noteText(row.text, "text")));
      const focused = item.contains(document.activeElement);
      if (where === "above") item.after(...items);
      else item.before(...items);
      left -= rows.length;
      item.hidden = !left;
      item.firstChild.textContent = label();
      say(`${count(rows.length, "line")} shown.`);
      if (focused && item.hidden) list.closest("article").querySelector(".step").focus();
    } catch (error) {
      const failure = api.Failure.from(error);
      item.firstChild.textContent = `${failure.title}. Try again`;
    } finally {
      busy = false;
    }
  }

  reset();
  return { item, open, reset };
}

function lineItem(line, text) {
  const bullet = line.marker ? [make("span", "bullet", `${harmless(line.marker)} `)] : [];
  const hint = line.hit ? [make("span", "unseen", "Match: ")] : [];
  const body = make("span", "body", ...hint, ...bullet, text);
  body.style.setProperty("--depth", Math.min(Math.max(line.depth, 0), DEEPEST));
  const number = make("span", "number", line.gone ? "" : String(line.line));
  number.ariaHidden = "true";
  const item = make("li", line.hit ? "hit" : "", number, body);
  if (line.gone) strike(item, body);
  return item;
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
