// What the page shows is what its URL says: question, scope, opened note, zoom, map. Every change is a link.

const CITATION = ["hash", "in", "quote"]; // what a citation link carries beside the note
const KEYS = ["q", "collection", "under", "file", "map", "note", "zoom", ...CITATION];

/** The state in the URL; each key is a string, "" when it is not there. */
export function state() {
  const params = new URLSearchParams(location.search);
  return Object.fromEntries(KEYS.map((key) => [key, (params.getAll(key).join(" > ") ?? "").trim()]));
}

/** To be put over a state that goes on from a citation, or that opens no note at all. */
export const uncited = Object.fromEntries(CITATION.map((key) => [key, ""]));
export const noNote = { note: "", zoom: "", ...uncited };

/** The address of a state. */
export function address(target) {
  const params = new URLSearchParams();
  for (const key of KEYS) if (target[key]) params.set(key, target[key]);
  return params.size ? `?${params}` : location.pathname;
}

/** A path of headings as it stands in the URL: the reverse of `segments` in api.js. */
export function joined(path) {
  const under = path.map((text) => text.replaceAll(">", "\\>")).join(" > ");
  return path.length === 1 && under.includes(" / ") ? `${under} >` : under;
}

let typing = false; // whether the newest entry of the history only follows what is being typed

/** Goes to a state: a new entry in the history, unless the newest one only followed the typing that led here. */
export function visit(target, { typed = false } = {}) {
  const url = new URL(address(target), location).href;
  const follows = typing && (typed || target.q === state().q) && !target.note && !target.map;
  if (url !== location.href) history[follows ? "replaceState" : "pushState"]({ typed }, "", url);
  typing = typed;
}

/** After Back or Forward. */
export function arrived() {
  typing = history.state?.typed ?? false;
}
