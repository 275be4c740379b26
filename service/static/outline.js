// A note in its whole outline: a tree (ARIA Authoring Practices) whose rows come in blocks as one scrolls to them, so that
// a file of any length opens at once.

import * as api from "./api.js";
import { harmless, make, noteText, strike } from "./elements.js";

const BLOCK = 100;
const ROW_HEIGHT = 30; // pixels, a guess for blocks that are not there yet
const DEEPEST = 14;
const TYPE_AHEAD = 700;

export class Outline {
  /** `view` is the service's reply around a note. `pick` hears the row that is chosen, `fail` the failure of a block. */
  constructor(view, pick, fail) {
    this.view = view;
    this.pick = pick;
    this.fail = fail;
    this.folds = new Map(); // folded row → the last row below it
    this.rows = []; // by number; holes where a block has not come
    this.coming = new Map();
    this.tree = make("div", "tree");
    this.tree.role = "tree";
    this.blocks = Array.from({ length: Math.ceil(view.total / BLOCK) }, (_, i) => this.emptyBlock(i));
    this.tree.append(...this.blocks);
    this.take(view);
    this.observer = new IntersectionObserver((seen) => seen.forEach((each) => this.sawBlock(each)), { rootMargin: "800px" });
    this.blocks.forEach((block) => this.observer.observe(block));
    this.tree.addEventListener("keydown", (event) => this.pressed(event));
    this.tree.addEventListener("click", (event) => this.clicked(event));
    this.tree.addEventListener("focusin", (event) => this.enter(this.numberOf(event.target)));
    this.mark(view.at);
    this.enter(view.at);
  }

  close() {
    this.observer.disconnect();
  }

  // ---- Rows ----

  emptyBlock(number) {
    const block = make("div", "block");
    block.role = "none";
    block.dataset.block = number;
    block.style.setProperty("min-height", `${Math.min(BLOCK, this.view.total - number * BLOCK) * ROW_HEIGHT}px`);
    return block;
  }

  sawBlock({ isIntersecting, target }) {
    if (isIntersecting) this.load(Number(target.dataset.block)).catch((error) => this.fail(api.Failure.from(error)));
  }

  /** Makes sure that a block is there. */
  load(number) {
    if (this.blocks[number].hasChildNodes()) return Promise.resolve();
    if (!this.coming.has(number)) {
      const { node, zoom, generation } = this.view;
      const options = { zoom: zoom?.id, start: number * BLOCK, top: BLOCK };
      const request = api.outline(node, options).then((view) => {
        if (view.generation !== generation) throw new api.Failure("The notes have changed", "Open the note again to see it as it is now.");
        this.take(view);
      });
      this.coming.set(number, request.finally(() => this.coming.delete(number)));
    }
    return this.coming.get(number);
  }

  take({ start, rows }) {
    rows.forEach((row, i) => (this.rows[start + i] = { ...row, element: this.row(row, start + i) }));
    for (let number = Math.floor(start / BLOCK); number * BLOCK < start + rows.length; number++) {
      const own = this.rows.slice(number * BLOCK, (number + 1) * BLOCK);
      const whole = Math.min(BLOCK, this.view.total - number * BLOCK);
      if (own.filter(Boolean).length < whole || this.blocks[number].hasChildNodes()) continue;
      this.blocks[number].style.removeProperty("min-height");
      this.blocks[number].append(...own.map((each) => each.element));
    }
    this.fold();
  }

  row(row, number) {
    const twist = make("span", "twist");
    const line = make("span", "number", row.gone ? "" : String(row.line));
    for (const ornament of [twist, line]) ornament.ariaHidden = "true";
    const bullet = row.marker ? [make("span", "bullet", `${harmless(row.marker)} `)] : [];
    const body = make("span", "body", twist, ...bullet, noteText(row.text, "text"));
    body.style.setProperty("--depth", Math.min(row.depth, DEEPEST));
    const element = make("div", "row", line, body);
    element.role = "treeitem";
    element.tabIndex = -1;
    element.dataset.row = number;
    element.dataset.id = row.id;
    element.ariaLevel = String(row.depth + 1);
    element.ariaPosInSet = String(row.place);
    element.ariaSetSize = String(row.siblings);
    if (row.below) element.ariaExpanded = "true";
    if (row.gone) strike(element, body);
    return element;
  }

  numberOf(element) {
    return Number(element.closest("[data-row]")?.dataset.row ?? -1);
  }

  // ---- Folding ----

  fold() {
    let until = -1;
    this.rows.forEach((row, number) => {
      row.element.hidden = number <= until;
      if (row.below) row.element.ariaExpanded = String(!this.folds.has(number));
      if (number > until && this.folds.has(number)) until = this.folds.get(number);
    });
    const folded = [...this.folds];
    this.blocks.forEach((block, i) => {
      const last = Math.min((i + 1) * BLOCK, this.view.total) - 1;
      block.hidden = folded.some(([from, to]) => from < i * BLOCK && last <= to);
    });
  }

  setFold(number, folded) {
    if (folded) this.folds.set(number, number + this.rows[number].below);
    else this.folds.delete(number);
    this.fold();
  }

  isHidden(number) {
    return [...this.folds].some(([from, to]) => from < number && number <= to);
  }

  // ---- Where one is ----

  /** Only one row takes the focus from Tab. */
  enter(number) {
    if (!this.rows[number]) return;
    if (this.rows[this.entered]) this.rows[this.entered].element.tabIndex = -1;
    this.rows[number].element.tabIndex = 0;
    this.entered = number;
  }

  /** Marks the row that is opened. */
  mark(number) {
    for (const old of this.tree.querySelectorAll(".here")) {
      old.classList.remove("here");
      old.removeAttribute("aria-current");
    }
    this.marked = number;
    const element = this.rows[number]?.element;
    element?.classList.add("here");
    element?.setAttribute("aria-current", "true");
  }

  get here() {
    return this.rows[this.marked]?.element;
  }

  /** The row of a note, if it has come already. */
  find(id) {
    return this.rows.findIndex((row) => row?.id === id);
  }

  async go(number) {
    if (number < 0 || number >= this.view.total) return;
    await this.load(Math.floor(number / BLOCK));
    this.rows[number].element.focus();
  }

  /** The next row in a direction that is not folded away. */
  async step(number, by) {
    let next = number + by;
    while (next >= 0 && next < this.view.total && this.isHidden(next)) next += by;
    await this.go(next);
  }

  parentOf(number) {
    let above = number - 1;
    while (above >= 0 && !(this.rows[above]?.below >= number - above)) above--;
    return above;
  }

  // ---- Hands ----

  clicked(event) {
    const number = this.numberOf(event.target);
    if (number < 0) return;
    if (event.target.closest(".twist") && this.rows[number].below) this.setFold(number, !this.folds.has(number));
    else if (getSelection().isCollapsed) this.pick(this.rows[number]);
    this.rows[number].element.focus();
  }

  pressed(event) {
    const number = this.numberOf(event.target);
    if (number < 0 || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const { below } = this.rows[number];
    const open = below && !this.folds.has(number);
    const moves = {
      ArrowDown: () => this.step(number, 1),
      ArrowUp: () => this.step(number, -1),
      Home: () => this.go(0),
      End: () => this.step(this.view.total, -1),
      Enter: () => this.pick(this.rows[number]),
      ArrowRight: () => (open ? this.go(number + 1) : below && this.setFold(number, false)),
      ArrowLeft: () => (open ? this.setFold(number, true) : this.goUp(number)),
    };
    const move = moves[event.key] ?? (this.isTypeAhead(event) && (() => this.lookFor(event.key, number)));
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    Promise.resolve(move()).catch((error) => this.fail(api.Failure.from(error)));
  }

  async goUp(number) {
    if (this.rows[number].depth) {
      const first = Math.floor(number / BLOCK);
      for (let block = first; block >= 0 && this.parentOf(number) < 0; block--) await this.load(block);
    }
    await this.go(this.parentOf(number));
  }

  isTypeAhead({ key, shiftKey }) {
    const going = performance.now() - (this.typedAt ?? -Infinity) < TYPE_AHEAD;
    return [...key].length === 1 && /[\p{L}\p{N}]/u.test(key) && (going || !this.reserved?.(key, shiftKey));
  }

  /** To the next row that begins with what is typed, among those that have come. */
  lookFor(key, from) {
    const now = performance.now();
    this.typed = now - (this.typedAt ?? -Infinity) < TYPE_AHEAD ? this.typed + key.toLowerCase() : key.toLowerCase();
    this.typedAt = now;
    const begin = this.typed.length > 1 ? from : from + 1;
    const order = [...this.rows.keys()];
    const found = [...order.slice(begin), ...order.slice(0, begin)].find(
      (number) => this.rows[number]?.text.toLowerCase().startsWith(this.typed) && !this.isHidden(number),
    );
    return found === undefined ? undefined : this.go(found);
  }
}
