// The key that a service on another address asks for. It goes with requests as a header, to this origin alone: other than a
// cookie, no browser adds it by itself, so no page of another site can use it. Nor does it ever stand in a URL.

import { button, make } from "./elements.js";

const NAME = "trellis-key";
let key = stored();
let asking = null;

/** What a request has to carry. */
export function bearer() {
  return key ? { Authorization: `Bearer ${key}` } : {};
}

/** After a request was refused that carried `headers`: asks for another key, once for all who wait. Answers whether there is one. */
export function otherKey(headers) {
  if (headers.Authorization !== bearer().Authorization) return Promise.resolve(true); // meanwhile there is
  asking ??= ask(Boolean(key)).finally(() => {
    asking = null;
  });
  return asking;
}

function ask(wrong) {
  const input = Object.assign(make("input", "box"), { type: "password", required: true, autocomplete: "current-password", id: "key" });
  const keep = Object.assign(make("input"), { type: "checkbox" });
  const label = Object.assign(make("label", "", "Key"), { htmlFor: "key" });
  const why = wrong ? "This key is not valid, or no longer." : "Trellis answers here only to who has a key.";
  const form = make(
    "form", "unlock", label, input, make("label", "", keep, "Keep it in this browser"),
    make("p", "buttons", button("quiet", "Not now", () => dialog.close()), make("button", "", "Unlock")),
  );
  const title = Object.assign(make("h2", "", "A key is needed"), { id: "key-title" });
  const dialog = make("dialog", "", title, make("p", "", `${why} Whoever runs it can make you one.`), form);
  dialog.setAttribute("aria-labelledby", title.id);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      key = input.value.trim();
      store(keep.checked);
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(Boolean(input.value.trim()) && key === input.value.trim());
    });
  });
}

function stored() {
  try {
    return sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME) ?? "";
  } catch {
    return ""; // a browser that stores nothing: the key holds for this visit
  }
}

function store(kept) {
  try {
    sessionStorage.setItem(NAME, key);
    if (kept) localStorage.setItem(NAME, key);
    else localStorage.removeItem(NAME);
  } catch {
    // As above.
  }
}
