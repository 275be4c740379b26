// Talking to the service: what is asked, how the reply streams in, and what it means when it does not.

const PATIENCE = 10_000; // of silence; the service gives a sign of life every few seconds while a model thinks
const service = new URL(script.src);
const AWAY = "The notes cannot be reached right now.";
const GARBLED = "The reply could not be read.";
const SILENT = "The notes did not reply within ten seconds.";
const BROKEN = "The answer broke off.";

/** Asks, and calls `heard(name, data)` for each event. Throws an Error whose message is for people, or an AbortError. */
async function converse(messages, stop, heard) {
  const { under, collection } = script.dataset;
  const body = JSON.stringify({ messages, ...(under && { under: segments(under) }), ...(collection && { collection }) });
  const headers = { "Content-Type": "application/json", Accept: "text/event-stream" };
  const { response, alive } = await request("api/chat", { method: "POST", headers, body }, stop);
  if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) throw new Error(GARBLED);
  let ended = false;
  for await (const [name, data] of events(response.body.getReader(), alive)) {
    if (name === "error") throw new Error(typeof data.detail === "string" ? data.detail : BROKEN);
    heard(name, data);
    ended ||= name === "done";
  }
  if (!ended) throw new Error(BROKEN);
}

function segments(path) {
  return path.split(">").map((part) => part.trim()).filter(Boolean);
}

async function getJson(path, stop) {
  const { response, alive } = await request(path, {}, stop);
  try {
    return await alive(response.json());
  } catch (error) {
    if (error instanceof SyntaxError) throw new Error(GARBLED);
    throw error;
  }
}

/** The response when its status is good, and `alive`, which waits for a promise as long as silence may last. */
async function request(path, options, stop) {
  const late = new AbortController();
  const signal = AbortSignal.any([stop, late.signal]);
  const alive = async (promise) => {
    const timer = setTimeout(() => late.abort(), PATIENCE);
    try {
      return await promise;
    } catch (error) {
      if (late.signal.aborted && !stop.aborted) throw new Error(SILENT);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
  let response;
  try {
    response = await alive(fetch(new URL(path, script.src), { ...options, signal, credentials: "omit" }));
  } catch (error) {
    if (stop.aborted || error.message === SILENT) throw error;
    throw new Error(await whyNoReply());
  }
  if (!response.ok) throw new Error(await refusal(response, alive));
  return { response, alive };
}

async function refusal(response, alive) {
  const { status } = response;
  if (status === 401) return "These notes ask for a key, which a page like this cannot have.";
  if (status === 403) return refused();
  if (status === 429) return "Too many questions at once. Wait a moment.";
  if (status === 503) return "The notes are busy. Wait a moment.";
  if (status >= 500) return "The notes have a problem of their own right now.";
  const reply = await alive(response.json()).catch(() => null);
  return typeof reply?.detail === "string" ? harmless(reply.detail) : GARBLED;
}

/** Browsers tell a refusal apart from an outage to nobody, but anyone may load this script: if it comes, it was a refusal. */
async function whyNoReply() {
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    await fetch(script.src, { mode: "no-cors", cache: "no-store", credentials: "omit", signal });
  } catch {
    return AWAY;
  }
  return service.origin === location.origin ? AWAY : refused();
}

function refused() {
  return `These notes do not take questions from ${location.origin}. Whoever runs them can allow it.`;
}

/** Server-sent events as they come (WHATWG HTML, section 9.2), as far as the service uses them. */
async function* events(reader, alive) {
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await readOn(reader, alive);
    if (done) return;
    const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const found = /^event: (\w+)\ndata: (.*)$/.exec(block);
      if (found) yield [found[1], parsed(found[2])];
      else if (!block.startsWith(":")) throw new Error(GARBLED); // a sign of life is a comment
    }
  }
}

async function readOn(reader, alive) {
  try {
    return await alive(reader.read());
  } catch (error) {
    throw error.name === "AbortError" || error.message === SILENT ? error : new Error(BROKEN);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(GARBLED);
  }
}
