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

export function ask(question, signal) {
  const headers = { "Content-Type": "application/json" };
  return call("api/ask", { method: "POST", headers, body: JSON.stringify({ question }), signal });
}

export function search(query, signal) {
  return call(`api/search?${new URLSearchParams({ q: query })}`, { signal });
}

export function node(id, signal) {
  return call(`api/nodes/${encodeURIComponent(id)}`, { signal });
}

export function related(id, top) {
  return call(`api/nodes/${encodeURIComponent(id)}/related?top=${top}`);
}

export function health() {
  return call("healthz");
}

/** The reply's JSON. Whatever goes wrong becomes a Failure in our own words. */
async function call(path, { signal, ...options } = {}) {
  const late = AbortSignal.timeout(PATIENCE);
  let response, body;
  try {
    response = await fetch(path, { ...options, signal: signal ? AbortSignal.any([signal, late]) : late });
    body = await response.json();
  } catch (error) {
    if (late.aborted) throw new Failure("Trellis is taking too long", "There was no reply within ten seconds.");
    if (error instanceof SyntaxError) throw unreadable();
    throw new Failure("Trellis cannot be reached", "The service that reads your notes may have stopped, or the network is away.");
  }
  if (response.ok) return body;
  const detail = typeof body?.detail === "string" ? body.detail : `It replied with status ${response.status}.`;
  throw new Failure(response.status < 500 ? "Trellis cannot take this" : "Trellis has a problem", detail);
}

function unreadable() {
  return new Failure("The reply cannot be read", "Something other than Trellis may be answering at this address.");
}
