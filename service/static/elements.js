// The page's own elements, and the making of new ones. Notes are never trusted: their text reaches the page as text
// nodes only, each isolated from its neighbours.

const IDS = ["box", "form", "status", "problem", "welcome", "stage"];
export const [box, form, status, problem, welcome, stage] = IDS.map((id) => document.getElementById(id));

/** An element; strings among the children become text, so nothing from a note is ever read as markup. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

export function button(className, label, act) {
  const element = make("button", className, label);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

/** Controls and overrides of writing direction, which could make a note look like something else, as visible signs. */
export function harmless(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

export function noteText(text, className = "") {
  return make("bdi", className, harmless(text));
}

/** Ancestors, outermost first; the last one leads to `parent` where that is given. */
export function trail(path, parent) {
  const steps = path.map((text) => noteText(text));
  if (parent) steps.splice(-1, 1, noteLink(parent));
  return make("span", "trail", ...steps.flatMap((step, i) => (i ? [" › ", step] : [step])));
}

/** Trail and text in one link, so that the name that is read out has both. */
export function noteLink(node) {
  const parts = node.path?.length ? [trail(node.path), make("span", "unseen", ": ")] : [];
  const link = make("a", "step", ...parts, noteText(node.text, "title"));
  link.href = address({ q: box.value.trim(), note: node.id });
  link.dataset.note = node.id;
  return link;
}

/** Where the page shows this question or note. */
export function address({ q = "", note = "" }) {
  const params = new URLSearchParams();
  if (q) params.set("q", q);
  if (note) params.set("note", note);
  return params.size ? `?${params}` : location.pathname;
}

export function place(source) {
  return make("code", "place", noteText(source.file), `:${source.line}`);
}

export function count(number, noun) {
  return `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
}
