// One answer as a person sees it, piece by piece as it comes.

class Answer {
  element = make("div", "answer");
  text = "";
  cited = []; // the sources in the order of their first citation, which gives them their numbers here
  #sources = [];
  #absent = false;
  #open;
  #quotation = null;
  #line = null;
  #wait = make("p", "soft wait", "Looking through the notes");

  /** `open(source, link)` is called when a citation is followed. */
  constructor(open) {
    this.#open = open;
    this.element.append(this.#wait);
  }

  begin({ sources, answered, question }, asked) {
    if (!Array.isArray(sources)) throw new Error(GARBLED);
    this.#sources = sources;
    this.#absent = !answered;
    if (question === asked) return;
    const added = question.startsWith(`${asked} (`) ? question.slice(asked.length + 2, -1) : question;
    this.element.prepend(make("p", "soft", "Understood together with: ", noteText(added)));
  }

  add({ text, kind = "text", n }) {
    this.#wait.remove();
    this.text += text;
    if (kind === "cite") return this.#cite(n);
    if (kind === "quote") return this.#quote(text.replace(/^“|”$/g, ""));
    if (!text.trim()) return this.#breakAt(text);
    if (kind === "trail") this.#block("p", "trail").append(harmless(text));
    else this.#write(text);
  }

  end({ mode, notice }) {
    this.#wait.remove();
    if (mode === "model" && this.cited.length) this.element.append(this.#list());
    if (notice) this.mark(notice);
  }

  /** A remark about the answer, below it. */
  mark(text) {
    this.#wait.remove();
    this.element.append(make("p", "soft", harmless(text)));
  }

  #block(tag, className) {
    this.#quotation = this.#line = null;
    const block = make(tag, className);
    this.element.append(block);
    return block;
  }

  #breakAt(space) {
    if (space.includes("\n")) this.#line = null;
    else if (this.#line && !this.#quotation) this.#line.append(" ");
    if (space.includes("\n\n")) this.#quotation = null;
  }

  #write(text) {
    if (!this.#line || this.#quotation) {
      this.#line = this.#block("p", this.#absent ? "none" : "");
      this.#absent = false;
    }
    this.#line.append(harmless(text));
  }

  #quote(text) {
    this.#quotation ??= this.#block("blockquote", "");
    this.#line = make("p", "", noteText(text));
    this.#quotation.append(this.#line);
  }

  #cite(n) {
    const source = this.#sources[n - 1];
    if (!source) throw new Error(GARBLED);
    if (!this.cited.includes(source)) this.cited.push(source);
    this.#line ??= this.#block("p", "");
    this.#line.append(this.#citation(source));
  }

  #citation(source) {
    const link = make("a", "cite", `[${this.cited.indexOf(source) + 1}]`);
    link.href = serviceLink(source.url);
    link.target = "_blank";
    link.rel = "noopener";
    link.ariaLabel = `Source ${this.cited.indexOf(source) + 1}: ${trailText([...source.path, source.text]).slice(0, 200)}`;
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a link like any other
      event.preventDefault();
      this.#open(source, link);
    });
    return link;
  }

  #list() {
    const items = this.cited.map((source) =>
      make("li", "trail", this.#citation(source), " ", noteText(trailText([...source.path, source.text]))),
    );
    return make("ol", "sources", ...items);
  }
}
