// The bubble and its panel.

const NAME = "trellis-chat";
const KEPT = 20; // turns remembered for the tab
const SENT = 8; // turns that the service is told, so that it understands follow-ups
const STORE = `${NAME} ${script.src}`;

class Chat extends HTMLElement {
  #all = make("div", "all");
  #opener = iconButton("opener", "open", "");
  #title = make("h2", "");
  #back = iconButton("plain", "back", "Back to the conversation");
  #log = make("div", "log");
  #note = make("div", "note");
  #problem = make("div", "problem");
  #status = make("p", "unseen");
  #input = make("input");
  #send = iconButton("send", "send", "Ask");
  #form = make("form", "", this.#input, this.#send);
  #panel = make("div", "panel");
  #turns = [];
  #failed = null; // the turn that can be tried again
  #stop = null; // of the answer on its way
  #citation = null; // the link whose note is open
  #closeNote = null;
  #scrolled = 0; // where the conversation was when it went out of sight

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(this.#all);
    this.#all.append(this.#panel, this.#opener);
  }

  connectedCallback() {
    if (this.#panel.hasChildNodes()) return; // moved, not new
    this.#name();
    this.#build();
    this.#listen();
    this.#remember();
  }

  // ---- Making ----

  #name() {
    const name = this.dataset.title || "Ask the notes";
    this.#title.append(name);
    this.#opener.ariaLabel = name;
    if (this.dataset.language) this.lang = this.dataset.language;
    const colours = { accent: "--accent", onAccent: "--on-accent", background: "--paper", color: "--ink" };
    for (const [key, property] of Object.entries(colours)) {
      if (CSS.supports("color", this.dataset[key] ?? "")) this.#all.style.setProperty(property, this.dataset[key]);
    }
  }

  #build() {
    const anew = iconButton("plain", "anew", "New conversation");
    const close = iconButton("plain", "close", "Close");
    this.#title.id = "title";
    Object.assign(this.#panel, { id: "panel", role: "dialog", hidden: true });
    this.#panel.setAttribute("aria-labelledby", "title");
    this.#opener.setAttribute("aria-controls", "panel");
    this.#opener.ariaExpanded = "false";
    Object.assign(this.#log, { role: "log", tabIndex: 0, ariaLabel: "Conversation" }); // scrolls by keyboard too
    Object.assign(this.#note, { role: "region", tabIndex: 0, ariaLabel: "Cited note", hidden: true });
    this.#back.hidden = true;
    this.#problem.role = "alert";
    this.#status.role = "status";
    const input = { placeholder: this.dataset.placeholder || "Your question", autocomplete: "off", enterKeyHint: "send", maxLength: 4000 };
    Object.assign(this.#input, { ariaLabel: "Your question", ...input });
    this.#send.type = "submit";
    const parts = { opener: this.#opener, panel: this.#panel, log: this.#log, input: this.#input, send: this.#send };
    for (const [name, element] of Object.entries(parts)) element.part = name;
    this.#panel.append(make("div", "head", this.#back, this.#title, anew, close), this.#log, this.#note, this.#problem, this.#status, this.#form);
    anew.addEventListener("click", () => this.#forget());
    close.addEventListener("click", () => this.#show(false));
  }

  #listen() {
    this.#opener.addEventListener("click", () => this.#show(this.#panel.hidden));
    this.#back.addEventListener("click", () => this.#leaveNote());
    this.#send.addEventListener("click", () => this.#send.type === "button" && this.#stop?.abort());
    this.#form.addEventListener("submit", (event) => this.#submitted(event));
    this.#panel.addEventListener("keydown", (event) => this.#pressed(event));
  }

  // ---- Hands ----

  #show(open) {
    if (!open && this.#note.hidden) this.#scrolled = this.#log.scrollTop;
    this.#panel.hidden = !open;
    this.#opener.ariaExpanded = String(open);
    if (open) this.#log.scrollTop = this.#scrolled;
    (open ? (this.#note.hidden ? this.#input : this.#note) : this.#opener).focus();
    this.#save();
  }

  #pressed(event) {
    event.stopPropagation(); // letters typed here are not for the page's shortcuts
    if (event.isComposing || event.keyCode === 229) {
      if (event.key === "Enter") event.preventDefault();
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (this.#note.hidden) this.#show(false);
      else this.#leaveNote();
    }
  }

  #submitted(event) {
    event.preventDefault();
    const question = this.#input.value.trim();
    if (question && !this.#stop) this.#ask(question); // Enter meant for the next question must not stop this answer
  }

  // ---- Asking ----

  /** The typed text stays until the reply begins, so that a failure loses nothing. */
  async #ask(question) {
    this.#failed?.element.remove();
    this.#failed = null;
    this.#problem.replaceChildren();
    const turn = this.#turn(question);
    this.#answering(new AbortController());
    this.#log.scrollTop = turn.element.offsetTop - 12; // once: after that the scrolling is the reader's
    try {
      await converse(this.#messages(question), this.#stop.signal, (name, data) => this.#heard(turn, name, data));
      this.#turns.push(turn);
    } catch (error) {
      if (this.#stop.signal.aborted) this.#stopped(turn);
      else this.#fail(turn, error instanceof TypeError ? GARBLED : error.message);
    }
    this.#answering(null);
    this.#save();
  }

  #turn(question) {
    const asked = make("p", "question", harmless(question));
    const answer = new Answer((source, link) => this.#openNote(source, link));
    const turn = { question, answer, pieces: [], element: make("div", "turn", asked, answer.element) };
    this.#log.ariaBusy = "true"; // read out once, when the answer is there
    this.#log.append(turn.element);
    return turn;
  }

  #heard(turn, name, data) {
    if (name === "sources" && this.#input.value.trim() === turn.question) this.#input.value = "";
    turn.pieces.push([name, data]);
    this.#tell(turn, name, data);
  }

  #tell({ answer, question }, name, data) {
    if (name === "sources") answer.begin(data, question);
    else if (name === "token") answer.add(data);
    else if (name === "done") answer.end(data);
  }

  #answering(controller) {
    this.#stop = controller;
    this.#send.replaceChildren(drawn(controller ? "stop" : "send"));
    this.#send.ariaLabel = controller ? "Stop" : "Ask";
    setTimeout(() => (this.#send.type = this.#stop ? "button" : "submit")); // not while its own click is under way
    this.#status.textContent = controller ? "Answering" : "";
    this.#log.ariaBusy = String(Boolean(controller));
  }

  #stopped(turn) {
    turn.pieces.push(["stopped", {}]);
    turn.answer.mark("Stopped.");
    this.#turns.push(turn);
    if (this.#input.value.trim() === turn.question) this.#input.value = "";
    this.#input.focus();
  }

  #fail(turn, message) {
    this.#failed = turn;
    if (turn.answer.text) turn.answer.mark("Broken off here.");
    else turn.element.remove();
    this.#input.value ||= turn.question;
    const retry = make("button", "", "Try again");
    retry.type = "button";
    retry.addEventListener("click", () => {
      this.#input.focus(); // the button goes away with the message
      if (!this.#stop) this.#ask(this.#input.value.trim() || turn.question);
    });
    this.#problem.append(make("p", "", `${message} Your question is kept.`), retry);
  }

  #messages(question) {
    const before = this.#turns.slice(-SENT).flatMap((turn) => [
      { role: "user", content: turn.question.slice(0, 1000) },
      { role: "assistant", content: turn.answer.text.slice(0, 1000) },
    ]);
    return [...before, { role: "user", content: question }];
  }

  // ---- A cited note ----

  #openNote(source, link) {
    this.#citation = link;
    this.#closeNote = new AbortController();
    this.#showNote(true);
    fillNote(this.#note, source, this.#closeNote.signal);
    this.#note.focus();
  }

  #leaveNote() {
    this.#closeNote.abort();
    this.#showNote(false);
    (this.#citation.isConnected ? this.#citation : this.#input).focus();
  }

  #showNote(open) {
    if (open) this.#scrolled = this.#log.scrollTop;
    this.#note.hidden = this.#back.hidden = !open;
    this.#log.hidden = this.#form.hidden = this.#problem.hidden = open;
    if (!open) this.#log.scrollTop = this.#scrolled;
  }

  // ---- Remembering, for the tab ----

  #save() {
    const turns = this.#turns.slice(-KEPT).map(({ question, pieces }) => ({ question, pieces }));
    try {
      sessionStorage.setItem(STORE, JSON.stringify({ open: !this.#panel.hidden, turns }));
    } catch {
      // Storage may be forbidden or full: the conversation then lasts as long as the page.
    }
  }

  #remember() {
    const greeting = this.dataset.greeting || "Ask in your own words. You get the lines that answer, as they were written.";
    this.#log.replaceChildren(make("p", "greeting", greeting));
    try {
      const { open, turns } = JSON.parse(sessionStorage.getItem(STORE)) ?? {};
      for (const { question, pieces } of turns ?? []) {
        const turn = this.#turn(question);
        for (const [name, data] of pieces) name === "stopped" ? turn.answer.mark("Stopped.") : this.#tell(turn, name, data);
        this.#turns.push(Object.assign(turn, { pieces }));
      }
      this.#panel.hidden = !open;
      this.#opener.ariaExpanded = String(Boolean(open)); // the focus stays where the page put it
      this.#scrolled = 1e6; // the last answer, once it can be seen
      this.#log.scrollTop = this.#scrolled;
    } catch {
      this.#turns = []; // not what this version wrote
      this.#log.replaceChildren(make("p", "greeting", greeting));
    }
    this.#log.ariaBusy = "false";
  }

  #forget() {
    this.#stop?.abort();
    this.#turns = [];
    this.#failed = null;
    this.#problem.replaceChildren();
    if (!this.#note.hidden) this.#leaveNote();
    this.#log.replaceChildren(this.#log.firstElementChild);
    this.#input.focus();
    this.#save();
  }
}

if (!customElements.get(NAME)) {
  customElements.define(NAME, Chat);
  const chat = document.createElement(NAME);
  Object.assign(chat.dataset, script.dataset);
  if (document.body) document.body.append(chat);
  else addEventListener("DOMContentLoaded", () => document.body.append(chat), { once: true });
}
