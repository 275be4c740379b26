// The forms of the description: each sends what stands in it, and shows what comes back as it comes.

import { bearer, otherKey } from "./key.js";

const underWay = new WeakMap();

for (const form of document.querySelectorAll("form.try")) {
  form.closest("details").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}

async function send(form) {
  const { address, body } = form.elements;
  const came = form.nextElementSibling;
  const status = form.querySelector("output");
  const place = URL.canParse(address.value, location.origin) ? new URL(address.value, location.origin) : null;
  came.hidden = true;
  if (place?.origin !== location.origin) {
    status.textContent = "Only addresses of this service can be asked here.";
    return;
  }
  underWay.get(form)?.abort();
  const sending = new AbortController();
  underWay.set(form, sending);
  const headers = { Accept: form.dataset.accept, ...(body && { "Content-Type": "application/json" }), ...bearer() };
  const started = performance.now();
  status.textContent = "Asking…";
  try {
    const response = await fetch(place, { method: form.dataset.method, headers, body: body?.value, signal: sending.signal });
    if (response.status === 401 && (await otherKey(headers))) {
      await send(form);
      return;
    }
    status.textContent = `Status ${response.status}`;
    await show(response, came);
    status.textContent = `Status ${response.status}, ${Math.round(performance.now() - started)} ms`;
  } catch {
    if (!sending.signal.aborted) status.textContent = "No answer came: the service may have stopped, or the connection broke.";
  }
}

/** Text as it arrives, and JSON in lines of its own once it is whole. */
async function show(response, came) {
  const shown = came.querySelector("code");
  shown.textContent = "";
  came.hidden = false;
  for await (const part of parts(response)) shown.append(part);
  if (response.headers.get("Content-Type")?.includes("json")) {
    shown.textContent = JSON.stringify(JSON.parse(shown.textContent), null, 2);
  }
}

async function* parts(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
