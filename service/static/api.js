// Requests to the service, and what it means when they fail.

const PATIENCE = 10_000;

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

export function ask({ q, under, file }, signal) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ question: q, under: segments(under), file });
  return call("api/ask", { method: "POST", headers, body, signal });
}

export function search({ q, under, file }, signal) {
  return call(`api/search?${params({ q, under, file })}`, { signal });
}

export function node(id, signal) {
  return call(`api/nodes/${encodeURIComponent(id)}`, { signal });
}

export function related(id, top, signal) {
  return call(`api/nodes/${encodeURIComponent(id)}/related?top=${top}`, { signal });
}

/** Rows of the outline in which the note stands; see `OutlineView` in the service. */
export function outline(id, options, signal) {
  return call(`api/nodes/${encodeURIComponent(id)}/outline?${params(options)}`, { signal });
}

/** What has become of a cited note; `link` is what a citation link carries. */
export function citation(link, signal) {
  return call(`api/citations?${params(link)}`, { signal });
}

export function scopes(typed, signal) {
  return call(`api/scopes?${params({ q: typed })}`, { signal });
}

export function map(signal) {
  return call("api/map", { signal });
}

export function health() {
  return call("healthz");
}

/** What the service put into the page itself, as `call` would have answered it. */
export function embedded(text) {
  const body = JSON.parse(text);
  return body.detail === undefined ? body : Promise.reject(refusal(body.status, body));
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
async function call(path, { signal, ...options } = {}) {
  const late = AbortSignal.timeout(PATIENCE);
  let response, text;
  try {
    response = await fetch(path, { ...options, signal: signal ? AbortSignal.any([signal, late]) : late });
    text = await response.text();
  } catch {
    if (late.aborted) throw new Failure("Trellis is taking too long", "There was no reply within ten seconds.");
    if (response) throw new Failure("The reply was cut off", "The connection ended before all of it had come.");
    throw new Failure("Trellis cannot be reached", "The service that reads your notes may have stopped, or the network is away.");
  }
  if (response.ok) return parse(text);
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
