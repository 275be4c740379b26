// Elements, made of text nodes only: nothing from a note or from a language model is ever read as markup.

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

function iconButton(className, icon, label) {
  const button = make("button", className, drawn(icon));
  button.type = "button";
  button.ariaLabel = label;
  return button;
}

function drawn(icon) {
  const [svg, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[icon]);
  svg.append(path);
  return svg;
}

/** Controls and overrides of writing direction, which could make a text look like something else, as visible signs. */
function harmless(text) {
  return String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

/** Text of a note, apart from its neighbours. */
function noteText(text) {
  return make("bdi", "", harmless(text));
}

function trailText(path) {
  return path.map(harmless).join(" › ");
}

/** A link to the page of the notes; only ever to the service itself. */
function serviceLink(url) {
  const target = new URL(url, script.src);
  if (target.origin !== service.origin) throw new Error(GARBLED);
  return target.href;
}
