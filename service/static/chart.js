// Points on a canvas: drawn, dragged, zoomed, hovered. Knows nothing of notes but their ids.

const GRID = 96; // cells a side, to find the point under the pointer
const REACH = 14; // pixels
const MARGIN = 28;
const MOST_LABELS = 36;
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

export class Chart {
  /** points: x, y, ids, colour (a number for each), edge, labels. swatches: elements that have the colours. */
  constructor(canvas, points, swatches, { pick, hover }) {
    Object.assign(this, { canvas, points, swatches, pick, hover });
    this.context = canvas.getContext("2d");
    this.rows = new Map(points.ids.map((id, row) => [id, row]));
    this.cells = this.cellsOf(points);
    this.around = this.extent();
    this.ringed = [];
    this.selected = this.pointed = -1;
    this.fresh = true;
    this.seen = new ResizeObserver(() => this.resize());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
    this.listen();
  }

  wake() {
    this.seen.observe(this.canvas);
  }

  rest() {
    this.seen.disconnect();
  }

  // ---- Where things are ----

  cellsOf({ x, y, edge }) {
    const cells = Array.from({ length: GRID * GRID }, () => []);
    for (let row = 0; row < x.length; row++) cells[this.cell(x[row], edge) + GRID * this.cell(y[row], edge)].push(row);
    return cells;
  }

  cell(value, edge = this.points.edge) {
    return Math.min(GRID - 1, Math.max(0, Math.floor(((value + edge) / (2 * edge)) * GRID)));
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    this.ratio = devicePixelRatio || 1;
    this.canvas.width = width * this.ratio;
    this.canvas.height = height * this.ratio;
    this.paint();
    if (this.fresh) this.fit(false);
    else this.draw();
    this.fresh = false;
    if (this.selected >= 0) this.bringIntoView(this.selected);
  }

  /** Middle and half size, in both directions, of all points but the outermost few. */
  extent() {
    const ends = [this.points.x, this.points.y].map((values) => {
      const sorted = Float64Array.from(values).sort();
      const few = Math.floor(sorted.length / 250);
      return [sorted[few] ?? 0, sorted.at(-1 - few) ?? 0];
    });
    return ends.map(([low, high]) => [(low + high) / 2, Math.max((high - low) / 2, this.points.edge / 50)]);
  }

  /** The scale at which the whole map fits. */
  get least() {
    const [[, across], [, down]] = this.around;
    return Math.min((this.canvas.clientWidth - 2 * MARGIN) / (2 * across), (this.canvas.clientHeight - 2 * MARGIN) / (2 * down));
  }

  toScreen(row) {
    return this.at(this.points.x[row], this.points.y[row]);
  }

  at(x, y) {
    return [(x - this.x) * this.scale + this.canvas.clientWidth / 2, (y - this.y) * this.scale + this.canvas.clientHeight / 2];
  }

  toMap(px, py) {
    return [(px - this.canvas.clientWidth / 2) / this.scale + this.x, (py - this.canvas.clientHeight / 2) / this.scale + this.y];
  }

  /** The nearest point within reach of a place on the screen, or -1. */
  near(px, py) {
    const reach = REACH / this.scale;
    const [x, y] = this.toMap(px, py);
    let best = -1;
    let least = reach * reach;
    for (let i = this.cell(x - reach); i <= this.cell(x + reach); i++) {
      for (let j = this.cell(y - reach); j <= this.cell(y + reach); j++) {
        for (const row of this.cells[i + GRID * j]) {
          const distance = (this.points.x[row] - x) ** 2 + (this.points.y[row] - y) ** 2;
          if (distance < least) [best, least] = [row, distance];
        }
      }
    }
    return best;
  }

  // ---- The view ----

  fit(smooth = true) {
    this.moveTo(this.around[0][0], this.around[1][0], this.least, smooth);
  }

  zoomBy(factor, px = this.canvas.clientWidth / 2, py = this.canvas.clientHeight / 2, smooth = true) {
    const scale = Math.min(Math.max(this.scale * factor, this.least), this.least * 80);
    const [x, y] = this.toMap(px, py);
    const keep = this.scale / scale; // what is under the pointer stays there
    this.moveTo(x + (this.x - x) * keep, y + (this.y - y) * keep, scale, smooth);
  }

  moveTo(x, y, scale, smooth) {
    const { edge } = this.points;
    const goal = [Math.min(Math.max(x, -edge), edge), Math.min(Math.max(y, -edge), edge), scale];
    cancelAnimationFrame(this.moving);
    if (!smooth || STILL.matches || this.scale === undefined) {
      [this.x, this.y, this.scale] = goal;
      return this.draw();
    }
    const from = [this.x, this.y, this.scale];
    const begun = performance.now();
    const frame = (time) => {
      const done = Math.min(Math.max((time - begun) / 180, 0), 1);
      [this.x, this.y, this.scale] = from.map((value, i) => value + (goal[i] - value) * done * (2 - done));
      this.drawNow();
      if (done < 1) this.moving = requestAnimationFrame(frame);
    };
    this.moving = requestAnimationFrame(frame);
  }

  bringIntoView(row) {
    const [px, py] = this.toScreen(row);
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (px < 20 || py < 20 || px > width - 20 || py > height - 20) this.moveTo(this.points.x[row], this.points.y[row], this.scale, true);
  }

  select(id) {
    this.selected = this.rows.get(id) ?? -1;
    if (this.scale === undefined) return;
    if (this.selected >= 0) this.bringIntoView(this.selected);
    this.draw();
  }

  /** Shows where a point is, as the list is walked through. */
  point(id) {
    this.pointed = this.rows.get(id) ?? -1;
    if (this.pointed >= 0) this.bringIntoView(this.pointed);
    this.draw();
  }

  ring(ids) {
    this.ringed = ids.map((id) => this.rows.get(id)).filter((row) => row !== undefined);
    if (this.scale !== undefined) this.draw();
  }

  // ---- Painting ----

  /** Colours and a small picture of a point in each, read from the page so that light, dark and forced colours all hold. */
  paint() {
    const style = getComputedStyle(this.canvas);
    this.ink = style.color;
    this.paper = style.backgroundColor;
    this.font = style.fontFamily;
    this.accent = style.outlineColor;
    this.colours = this.swatches.map((swatch) => getComputedStyle(swatch).backgroundColor);
    this.stamps = new Map();
    if (this.scale !== undefined) this.draw();
  }

  stamp(colour, radius) {
    const key = `${colour} ${radius}`;
    if (!this.stamps.has(key)) {
      const size = Math.ceil(radius * 2 * this.ratio) + 2;
      const stamp = new OffscreenCanvas(size, size);
      const pen = stamp.getContext("2d");
      pen.fillStyle = this.colours[colour] ?? this.ink;
      pen.arc(size / 2, size / 2, radius * this.ratio, 0, 2 * Math.PI);
      pen.fill();
      this.stamps.set(key, stamp);
    }
    return this.stamps.get(key);
  }

  draw() {
    cancelAnimationFrame(this.due);
    this.due = requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    const { canvas, context: pen, ratio, points, scale } = this;
    if (!ratio) return;
    const { clientWidth: width, clientHeight: height } = canvas;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const crowd = points.x.length > 5000 ? 0.7 : 1;
    const radius = Math.round(Math.min(2.4 * Math.sqrt(scale / this.least), 6) * crowd * 2) / 2;
    const stamps = this.colours.map((_, colour) => this.stamp(colour, radius));
    const half = (stamps[0]?.width ?? 2) / 2;
    const [dx, dy] = [(width / 2 - this.x * scale) * ratio - half, (height / 2 - this.y * scale) * ratio - half];
    const step = scale * ratio;
    const [right, bottom] = [canvas.width, canvas.height];
    pen.globalAlpha = 0.8;
    for (let row = 0; row < points.x.length; row++) {
      const px = points.x[row] * step + dx;
      const py = points.y[row] * step + dy;
      if (px > -20 && py > -20 && px < right && py < bottom) pen.drawImage(stamps[points.colour[row]], px | 0, py | 0);
    }
    pen.globalAlpha = 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.drawLabels();
    for (const row of this.ringed) this.drawRing(row, radius + 4, 1.5);
    if (this.pointed >= 0) this.drawRing(this.pointed, radius + 5, 2);
    if (this.selected >= 0) this.drawRing(this.selected, radius + 6, 3);
  }

  drawRing(row, radius, width) {
    const pen = this.context;
    pen.beginPath();
    pen.arc(...this.toScreen(row), radius, 0, 2 * Math.PI);
    pen.lineWidth = width + 2.5;
    pen.strokeStyle = this.paper;
    pen.stroke();
    pen.lineWidth = width;
    pen.strokeStyle = this.accent;
    pen.stroke();
  }

  /** The names of the largest regions that have room; the closer one looks, the smaller regions have a name. */
  drawLabels() {
    const pen = this.context;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const taken = [[width - 220, 0, width, 62]]; // where the buttons are
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    for (const label of this.points.labels) {
      const [px, py] = this.at(label.x, label.y);
      if (px < 0 || py < 0 || px > width || py > height) continue;
      pen.font = `600 ${taken.length < 12 ? 12.5 : 11.5}px ${this.font}`;
      const text = label.shown ?? (label.shown = shorten(label.text));
      const half = pen.measureText(text).width / 2 + 5;
      const x = Math.min(Math.max(px, half), width - half);
      const box = [x - half, py - 11, x + half, py + 11];
      if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
      taken.push(box);
      pen.lineWidth = 4;
      pen.strokeStyle = this.paper;
      pen.strokeText(text, x, py);
      pen.fillStyle = this.ink;
      pen.fillText(text, x, py);
      if (taken.length > MOST_LABELS) break;
    }
  }

  // ---- Hands ----

  listen() {
    const { canvas } = this;
    const held = new Map(); // fingers or the mouse, by pointer
    let moved = 0;
    const place = (event) => [event.offsetX, event.offsetY];
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      held.set(event.pointerId, place(event));
      moved = held.size > 1 ? Infinity : 0;
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = held.get(event.pointerId);
      if (!before) return this.hoverAt(event);
      const [x, y] = place(event);
      moved += Math.hypot(x - before[0], y - before[1]);
      if (held.size === 2) this.pinch(held, event.pointerId, x, y);
      else if (moved > 4) this.moveTo(this.x - (x - before[0]) / this.scale, this.y - (y - before[1]) / this.scale, this.scale, false);
      held.set(event.pointerId, [x, y]);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (held.size === 1 && moved <= 4) {
        const row = this.near(...place(event));
        if (row >= 0) this.pick(this.points.ids[row]);
      }
      held.delete(event.pointerId);
    });
    canvas.addEventListener("pointercancel", (event) => held.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => this.hover(""));
    canvas.addEventListener("dblclick", (event) => this.zoomBy(2, ...place(event)));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  /** The page scrolls by the wheel as anywhere; with Ctrl (which a pinch on a touchpad counts as) the map zooms. */
  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoomBy(Math.exp(-event.deltaY / 150), event.offsetX, event.offsetY, false);
  }

  pinch(held, moving, x, y) {
    const [other] = [...held].filter(([id]) => id !== moving).map(([, at]) => at);
    const before = held.get(moving);
    const spread = Math.hypot(before[0] - other[0], before[1] - other[1]) || 1;
    this.moveTo(this.x - (x - before[0]) / 2 / this.scale, this.y - (y - before[1]) / 2 / this.scale, this.scale, false);
    this.zoomBy(Math.hypot(x - other[0], y - other[1]) / spread, (x + other[0]) / 2, (y + other[1]) / 2, false);
  }

  hoverAt(event) {
    const row = this.near(event.offsetX, event.offsetY);
    this.canvas.classList.toggle("over-point", row >= 0);
    if (row !== this.pointed) {
      this.pointed = row;
      this.draw();
    }
    this.hover(row < 0 ? "" : this.points.ids[row], event.offsetX, event.offsetY);
  }
}

function shorten(text) {
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
  return clean.length > 34 ? `${clean.slice(0, 33)}…` : clean;
}
