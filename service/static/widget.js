// The chat widget: one script tag puts a bubble on any page that the service allows to ask.
//
//   <script src="https://notes.example/widget.js" data-title="Ask the notes" data-greeting="Hello!"
//           data-position="left" data-theme="dark"></script>
//
// Nothing of it reaches the page: a shadow root, a constructed style sheet, no globals, and text as text nodes only, so
// that it works under a host policy of `trusted-types 'none'` without inline styles.

(() => {
  const script = document.currentScript ?? document.querySelector('script[src$="/widget.js"]');
  const NAME = "trellis-chat";
  if (!script || customElements.get(NAME)) return;

  const endpoint = new URL("api/ask", script.src);
  const PATIENCE = 10_000;
  const SHOWN = 3; // of the nearest headings

  // `!important` inside a shadow root wins over the page's own, whatever reset the page brings. Lengths are in px since
  // rem would follow the page's root.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
:host {
  all: initial !important; position: fixed !important; display: block !important; color-scheme: light dark !important;
  inset: auto 20px 20px auto !important; z-index: var(--trellis-z-index, 2147483000) !important;
}
:host([data-position=left]) { inset: auto auto 20px 20px !important }
:host([data-theme=light]) { color-scheme: light !important }
:host([data-theme=dark]) { color-scheme: dark !important }
.all {
  --accent: var(--trellis-accent, light-dark(#1f6b4a, #86cfa6));
  --on-accent: var(--trellis-on-accent, light-dark(#fff, #0f1a14));
  --paper: var(--trellis-background, light-dark(#fff, #1b1f1c));
  --ink: var(--trellis-color, light-dark(#1d2320, #e5e8e2));
  --soft: color-mix(in oklab, var(--ink), var(--paper) 28%);
  --line: color-mix(in oklab, var(--ink), var(--paper) 84%);
  --tint: color-mix(in oklab, var(--accent), var(--paper) 91%);
  --radius: var(--trellis-radius, 16px);
  font: 15px/1.5 var(--trellis-font, Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif);
  color: var(--ink); text-align: start; overflow-wrap: anywhere;
}
* { box-sizing: border-box }
[hidden] { display: none !important }
p, h2, ul, blockquote { margin: 0; padding: 0; font: inherit; list-style: none }
bdi { unicode-bidi: isolate }
svg { width: 24px; height: 24px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round }
button { font: inherit; cursor: pointer; border: 1px solid transparent; color: var(--on-accent); background: var(--accent); border-radius: 12px; min-height: 44px; padding: 0 14px }
button:hover { background: color-mix(in oklab, var(--accent), var(--ink) 16%) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
.opener svg { width: 28px; height: 28px }
.opener { display: grid; place-items: center; width: 56px; height: 56px; padding: 0; margin-inline-start: auto; border-radius: 50%; box-shadow: 0 4px 16px rgb(0 0 0 / .22) }
:host([data-position=left]) .opener { margin-inline: 0 auto }
.panel {
  position: absolute; bottom: 70px; right: 0; display: flex; flex-direction: column; overflow: hidden;
  width: min(var(--trellis-width, 384px), 100vw - 40px); height: min(var(--trellis-height, 580px), 100dvh - 110px);
  background: var(--paper); border: 1px solid var(--line); border-radius: var(--radius); box-shadow: 0 12px 40px rgb(0 0 0 / .2);
}
:host([data-position=left]) .panel { right: auto; left: 0 }
.head { display: flex; align-items: center; gap: 8px; padding: 8px 8px 8px 18px; border-bottom: 1px solid var(--line) }
h2 { flex: 1; font-weight: 650; letter-spacing: -.01em }
.close { width: 44px; padding: 0; color: var(--soft); background: none }
.close:hover { background: var(--tint) }
.close svg { width: 20px; vertical-align: middle }
.log { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 18px; position: relative }
.greeting { color: var(--soft) }
.question { width: fit-content; max-width: 85%; margin: 18px 0 12px auto; padding: 8px 14px; color: var(--on-accent); background: var(--accent); border-radius: 14px 14px 4px 14px }
.trail, .place, .label { font-size: 12.5px; line-height: 1.45; color: var(--soft) }
.trail { display: block }
.place { font-family: ui-monospace, monospace; font-size: 12px }
blockquote { margin: 6px 0; padding: 10px 14px; background: var(--tint); border-inline-start: 3px solid var(--accent); border-radius: 4px 12px 12px 4px }
blockquote p + p { margin-top: 4px; padding-inline-start: 12px; border-inline-start: 1px solid var(--line) }
.none { font-weight: 600 }
.label { margin-top: 6px }
li .place { display: block }
li { margin-top: 8px; padding-inline-start: 12px; border-inline-start: 1px solid var(--line) }
.wait { color: var(--soft) }
.wait::after { content: ""; display: inline-block; width: 1.2em; animation: dots 1.2s steps(1) infinite }
@keyframes dots { 0% { content: "" } 25% { content: "." } 50% { content: ".." } 75% { content: "..." } }
.problem:not(:empty) { display: flex; gap: 12px; align-items: center; padding: 10px 14px 10px 18px; border-top: 1px solid var(--line); font-size: 14px; line-height: 1.4 }
.problem p { flex: 1 }
form { display: flex; gap: 8px; padding: 12px; border-top: 1px solid var(--line) }
input { flex: 1; min-width: 0; min-height: 44px; padding: 0 14px; font: inherit; font-size: 16px; color: inherit; background: transparent; border: 1px solid color-mix(in oklab, var(--ink), var(--paper) 45%); border-radius: 12px }
input:focus-visible { outline-offset: -1px; border-color: var(--accent) }
input::placeholder { color: var(--soft); opacity: 1 }
.send { width: 44px; padding: 0 }
.send svg { vertical-align: middle }
@media (max-width: 480px) {
  .panel { position: fixed; inset: 0 !important; width: 100%; height: 100dvh; border: 0; border-radius: 0 }
}
@media (prefers-reduced-motion: reduce) { .wait::after { animation: none; content: "…" } }
@media (forced-colors: active) { .opener, .question, .send { border: 1px solid } blockquote { border-color: Highlight } }
`);

  const ICONS = {
    open: "M5 4h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-8l-5 4v-4H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2ZM8 8.5h8M11 12.5h5",
    close: "M6 6l12 12M18 6L6 18",
    send: "M5 12h14M13 6l6 6-6 6",
  };

  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children);
    return element;
  }

  function iconButton(className, icon, label) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", ICONS[icon]);
    svg.append(path);
    const button = make("button", className, svg);
    button.type = "button";
    button.ariaLabel = label;
    return button;
  }

  /** Text of a note, apart from its neighbours and with controls and overrides of writing direction as visible signs. */
  function noteText(text) {
    return make("bdi", "", text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd"));
  }

  function trail(path) {
    return make("span", "trail", ...path.flatMap((text, i) => (i ? [" › ", noteText(text)] : [noteText(text)])));
  }

  function place({ file, line }) {
    return make("span", "place", noteText(file), `:${line}`);
  }

  function nearest(label, results) {
    const items = results.map((result) => make("li", "", trail(result.path), noteText(result.text), " ", place(result.source)));
    return items.length ? [make("p", "label", label), make("ul", "", ...items)] : [];
  }

  function answerParts({ answered, answer, results }) {
    if (!answered) {
      const rest = nearest("The nearest headings, though not an answer:", results.slice(0, SHOWN));
      return [make("p", "none", "That is not in the notes."), ...rest];
    }
    const result = results.find(({ id }) => id === answer?.node) ?? results[0];
    const lines = (answer?.text ?? result.text).split("\n").map((line) => make("p", "", noteText(line)));
    return [trail(result.path), make("blockquote", "", ...lines), place(result.source)];
  }

  const AWAY = "The notes cannot be reached right now.";
  const GARBLED = "The reply could not be read.";

  /** The answer as JSON; throws an Error whose message is meant for people. */
  async function ask(question) {
    const signal = AbortSignal.timeout(PATIENCE);
    const body = JSON.stringify({ question, top: SHOWN + 1 });
    const headers = { "Content-Type": "application/json" };
    let response, reply;
    try {
      response = await fetch(endpoint, { method: "POST", headers, body, signal, credentials: "omit" });
      reply = await response.json();
    } catch (error) {
      if (signal.aborted) throw new Error("The notes did not reply within ten seconds.");
      throw new Error(response ? GARBLED : await whyNoReply());
    }
    if (response.status === 403) throw new Error(refused());
    if (response.status === 429) throw new Error("Too many questions at once. Wait a moment.");
    if (response.status >= 500) throw new Error("The notes have a problem of their own right now.");
    if (!response.ok) throw new Error(typeof reply.detail === "string" ? reply.detail : GARBLED);
    return reply;
  }

  /** Browsers tell a refusal apart from an outage to nobody, but anyone may load this script: if it comes, it was a refusal. */
  async function whyNoReply() {
    try {
      const signal = AbortSignal.timeout(PATIENCE);
      await fetch(script.src, { mode: "no-cors", cache: "no-store", credentials: "omit", signal });
    } catch {
      return AWAY;
    }
    return new URL(script.src).origin === location.origin ? AWAY : refused();
  }

  function refused() {
    return `These notes do not take questions from ${location.origin}. Whoever runs them can allow it.`;
  }

  class Chat extends HTMLElement {
    #opener = iconButton("opener", "open", "");
    #log = make("div", "log");
    #problem = make("div", "problem");
    #input = make("input");
    #panel = make("div", "panel");
    #asking = false;

    constructor() {
      super();
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.append(make("div", "all", this.#panel, this.#opener));
    }

    connectedCallback() {
      if (this.#panel.hasChildNodes()) return; // moved, not new
      const name = this.dataset.title || "Ask the notes";
      const title = make("h2", "", name);
      const close = iconButton("close", "close", "Close");
      const form = make("form", "", this.#input, iconButton("send", "send", "Ask"));
      const greeting = this.dataset.greeting || "Ask in your own words. You get the lines that answer, as they were written.";
      form.lastChild.type = "submit";
      title.id = "title";
      Object.assign(this.#panel, { id: "panel", role: "dialog", hidden: true });
      this.#panel.setAttribute("aria-labelledby", "title");
      this.#opener.setAttribute("aria-controls", "panel");
      Object.assign(this.#opener, { ariaExpanded: "false", ariaLabel: name });
      Object.assign(this.#log, { role: "log", tabIndex: 0, ariaLabel: "Conversation" }); // scrolls by keyboard too
      this.#problem.role = "alert";
      Object.assign(this.#input, { ariaLabel: "Your question", placeholder: "Your question", autocomplete: "off", enterKeyHint: "send" });
      this.#log.append(make("p", "greeting", greeting));
      this.#panel.append(make("div", "head", title, close), this.#log, this.#problem, form);
      this.#opener.addEventListener("click", () => this.#show(this.#panel.hidden));
      close.addEventListener("click", () => this.#show(false));
      form.addEventListener("submit", (event) => this.#submitted(event));
      this.#panel.addEventListener("keydown", (event) => this.#pressed(event));
    }

    #show(open) {
      this.#panel.hidden = !open;
      this.#opener.ariaExpanded = String(open);
      (open ? this.#input : this.#opener).focus();
    }

    #pressed(event) {
      event.stopPropagation(); // letters typed here are not for the page's shortcuts
      if (event.isComposing || event.keyCode === 229) {
        if (event.key === "Enter") event.preventDefault();
      } else if (event.key === "Escape") {
        event.preventDefault();
        this.#show(false);
      }
    }

    #submitted(event) {
      event.preventDefault();
      if (this.#input.value.trim()) this.#ask(this.#input.value);
    }

    /** The typed text stays until it is answered, so that a failure loses nothing. */
    async #ask(typed) {
      if (this.#asking) return;
      this.#asking = true;
      const question = make("p", "question", typed.trim());
      const wait = make("p", "wait", "Looking through the notes");
      this.#problem.replaceChildren();
      this.#log.ariaBusy = "true"; // read out once, when the answer is there
      this.#log.append(question, wait);
      this.#log.scrollTop = question.offsetTop - 12;
      try {
        wait.replaceWith(...this.#read(await ask(typed.trim())));
        if (this.#input.value === typed) this.#input.value = "";
        this.#log.scrollTop = question.offsetTop - 12;
      } catch (error) {
        question.remove();
        wait.remove();
        this.#fail(error.message);
      }
      this.#log.ariaBusy = "false";
      this.#asking = false;
    }

    #read(reply) {
      try {
        return answerParts(reply);
      } catch {
        throw new Error(GARBLED);
      }
    }

    #fail(message) {
      const retry = make("button", "", "Try again");
      retry.type = "button";
      retry.addEventListener("click", () => {
        this.#input.focus(); // the button goes away with the message
        if (this.#input.value.trim()) this.#ask(this.#input.value);
      });
      this.#problem.append(make("p", "", `${message} Your question is kept.`), retry);
    }
  }

  customElements.define(NAME, Chat);
  const chat = document.createElement(NAME);
  Object.assign(chat.dataset, script.dataset);
  if (document.body) document.body.append(chat);
  else addEventListener("DOMContentLoaded", () => document.body.append(chat), { once: true });
})();
