// Requests to the service, and what it means when they fail.

import { bearer, otherKey } from "./key.js";

const PATIENCE = 10_000;
const DRAWING = 120_000; // a map that nobody has opened yet is drawn first

export class Failure extends Error {
  constructor(title, message) {
    super(message);
    this.title = title;
  }

  /** What went wrong, for people. What is no Failure came from a reply of another shape than ours. */
  static from(error) {
    return error instanceof Failure ? error : unreadable();
  }
}

export async function ask({ q, under, file, collection }, signal) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ question: q, under: segments(under), file, collection: collection || undefined });
  return referring(await call("api/ask", { method: "POST", headers, body, signal }));
}

export async function search({ q, under, file, collection }, signal) {
  return referring(await call(`api/search?${params({ q, under, file, collection })}`, { signal }));
}

export function node(id, signal) {
  return call(`api/nodes/${encodeURIComponent(id)}`, { signal });
}

export async function related(id, top, signal) {
  const reply = await call(`api/nodes/${encodeURIComponent(id)}/related?top=${top}`, { signal });
  for (const node of reply.results) Object.assign(node, { id: reference(reply, node.id), collection: reply.collection });
  return reply;
}

/** Rows of the outline in which the note stands; see `OutlineView` in the service. */
export async function outline(id, options, signal) {
  const view = await call(`api/nodes/${encodeURIComponent(id)}/outline?${params(options)}`, { signal });
  view.node = reference(view, view.node);
  for (const each of [...view.rows, ...view.path, ...(view.zoom ? [view.zoom] : [])]) each.id = reference(view, each.id);
  return view;
}

/** What has become of a cited note; `link` is what a citation link carries. */
export async function citation(link, signal) {
  const reply = await call(`api/citations?${params(link)}`, { signal });
  if (reply.note) reply.note.id = reference(reply.note, reply.note.id);
  return reply;
}

export function scopes(typed, collection, signal) {
  return call(`api/scopes?${params({ q: typed, collection })}`, { signal });
}

export async function map(collection, signal) {
  const view = await call(collection ? `api/map?${params({ collection })}` : "api/map", { signal, patience: DRAWING });
  view.ids = (view.ids.match(/.{16}/g) ?? []).map((id) => reference(view, id));
  for (const label of view.labels) label.id = reference(view, label.id);
  return view;
}

/** What there is to filter by, as `tag:` and so on take it. */
export function filters(collection, signal) {
  return call(`api/filters?${params({ collection })}`, { signal });
}

export function health() {
  return call("healthz");
}

/** What the service put into the page itself, as `call` would have answered it. */
export function embedded(text) {
  const body = JSON.parse(text);
  return body.detail === undefined ? referring(body) : Promise.reject(refusal(body.status, body));
}

/** A note's id as this page uses it: with the name of its collection, where collections have names. */
function reference({ collection }, id) {
  return collection && id ? `${collection}:${id}` : id;
}

function referring(reply) {
  for (const result of reply.results) {
    result.path_ids = result.path_ids?.map((id) => reference(result, id));
    result.id = reference(result, result.id);
    if (result.cut) result.cut.node = reference(result, result.cut.node);
  }
  if (reply.answer) reply.answer.node = reference(reply.answer, reply.answer.node);
  return reply;
}

/** A path as it stands in the URL, "Identity > STS", as its segments: `split_path` of the service. */
export function segments(under) {
  const parts = under.split(/(?<!\\)>/);
  const all = parts.length > 1 ? parts : under.split(" / ");
  return all.map((part) => part.replaceAll("\\>", ">").trim()).filter(Boolean);
}

function params(values) {
  return new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined && value !== ""));
}

/** The reply's JSON. Whatever goes wrong becomes a Failure in our own words. */
async function call(path, { signal, patience = PATIENCE, ...options } = {}) {
  const late = AbortSignal.timeout(patience);
  const headers = bearer();
  let response, text;
  try {
    response = await fetch(path, { ...options, headers: { ...options.headers, ...headers }, signal: signal ? AbortSignal.any([signal, late]) : late });
    text = await response.text();
  } catch {
    if (late.aborted) throw new Failure("Trellis is taking too long", `There was no reply within ${patience / 1000} seconds.`);
    if (response) throw new Failure("The reply was cut off", "The connection ended before all of it had come.");
    throw new Failure("Trellis cannot be reached", "The service that reads your notes may have stopped, or the network is away.");
  }
  if (response.ok) return parse(text);
  if (response.status === 401 && (await otherKey(headers))) return call(path, { signal, patience, ...options });
  throw refusal(response.status, parse(text, {}));
}

function parse(text, otherwise) {
  try {
    return JSON.parse(text);
  } catch {
    if (otherwise) return otherwise;
    throw unreadable();
  }
}

const TITLES = {
  401: "Trellis wants to know who asks",
  403: "Trellis does not answer this page",
  404: "This is no longer there",
  429: "Too many questions at once",
};

function refusal(status, body) {
  const title = TITLES[status] ?? (status < 500 ? "Trellis cannot take this" : "Trellis has a problem");
  const wait = status === 429 ? "Wait a moment, then try again." : `It replied with status ${status}.`;
  return new Failure(title, typeof body?.detail === "string" ? body.detail : wait);
}

function unreadable() {
  return new Failure("The reply cannot be read", "Something other than Trellis may be answering at this address.");
}
