// How the widget looks. `!important` inside a shadow root wins over the page's own, whatever reset the page brings. Lengths are
// in px since rem would follow the page's root.

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host {
  all: initial !important; position: fixed !important; display: block !important; color-scheme: light dark !important;
  inset: auto 20px 20px auto !important; z-index: var(--trellis-z-index, 2147483000) !important;
}
:host([data-position=left]) { inset: auto auto 20px 20px !important }
:host([data-theme=light]) { color-scheme: light !important }
:host([data-theme=dark]) { color-scheme: dark !important }
@media print { :host { display: none !important } }
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
p, h2, ul, ol, blockquote { margin: 0; padding: 0; font: inherit; list-style: none }
bdi { unicode-bidi: isolate }
a { color: var(--accent) }
svg { width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; vertical-align: middle }
button { font: inherit; cursor: pointer; border: 1px solid transparent; color: var(--on-accent); background: var(--accent); border-radius: 12px; min-height: 44px; padding: 0 14px }
button:hover { background: color-mix(in oklab, var(--accent), var(--ink) 16%) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
.opener svg { width: 28px; height: 28px }
.opener { display: grid; place-items: center; width: 56px; height: 56px; padding: 0; margin-inline-start: auto; border-radius: 50%; box-shadow: 0 4px 16px rgb(0 0 0 / .22) }
:host([data-position=left]) .opener { margin-inline: 0 auto }
.panel {
  position: absolute; bottom: 70px; right: 0; display: flex; flex-direction: column; overflow: hidden;
  width: min(var(--trellis-width, 392px), 100vw - 40px); height: min(var(--trellis-height, 600px), 100dvh - 110px);
  background: var(--paper); border: 1px solid var(--line); border-radius: var(--radius); box-shadow: 0 12px 40px rgb(0 0 0 / .2);
}
:host([data-position=left]) .panel { right: auto; left: 0 }
.head { display: flex; align-items: center; gap: 2px; padding: 8px 8px 8px 18px; border-bottom: 1px solid var(--line) }
h2 { flex: 1; font-weight: 650; letter-spacing: -.01em }
[aria-label^=Back] { margin-inline-start: -10px }
.plain { width: 44px; padding: 0; color: var(--soft); background: none }
.plain:hover { background: var(--tint) }
.log, .note { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 18px; position: relative; outline-offset: -2px }
.greeting, .soft { color: var(--soft) }
.turn { padding-bottom: 20px }
.turn + .turn:last-child { min-height: 100% }
.question { width: fit-content; max-width: 85%; margin: 0 0 12px auto; padding: 8px 14px; color: var(--on-accent); background: var(--accent); border-radius: 14px 14px 4px 14px; white-space: pre-line }
.greeting + .turn { margin-top: 18px }
.answer > p + p { margin-top: 6px }
.trail, .place, .soft { font-size: 12.5px; line-height: 1.45; color: var(--soft) }
.trail { margin-top: 14px }
.answer > .trail:first-child { margin-top: 0 }
.answer > .soft + .trail { margin-top: 8px }
.place { font-family: ui-monospace, monospace; font-size: 12px }
blockquote { margin: 5px 0 0; padding: 9px 14px; background: var(--tint); border-inline-start: 3px solid var(--accent); border-radius: 4px 12px 12px 4px; white-space: pre-line }
blockquote p + p { margin-top: 5px }
.none { font-weight: 600 }
.cite { display: inline-block; min-width: 24px; margin-inline-start: 4px; padding: 1px 5px; font-size: 12px; line-height: 20px; font-variant-numeric: tabular-nums; text-align: center; text-decoration: none; background: color-mix(in oklab, var(--accent), var(--paper) 84%); border-radius: 7px }
.cite:hover { text-decoration: underline }
.answer > .soft { margin-top: 10px }
.sources { margin-top: 10px; padding-top: 8px; border-top: 1px solid var(--line) }
.sources li { margin-top: 4px }
.wait::after { content: ""; display: inline-block; width: 1.2em; animation: dots 1.2s steps(1) infinite }
@keyframes dots { 0% { content: "" } 25% { content: "." } 50% { content: ".." } 75% { content: "..." } }
.problem:not(:empty) { display: flex; gap: 12px; align-items: center; padding: 10px 14px 10px 18px; border-top: 1px solid var(--line); font-size: 14px; line-height: 1.4 }
.problem p { flex: 1 }
form { display: flex; gap: 8px; padding: 12px; border-top: 1px solid var(--line) }
input { flex: 1; min-width: 0; min-height: 44px; padding: 0 14px; font: inherit; font-size: 16px; color: inherit; background: transparent; border: 1px solid color-mix(in oklab, var(--ink), var(--paper) 45%); border-radius: 12px }
input:focus-visible { outline-offset: -1px; border-color: var(--accent) }
input::placeholder { color: var(--soft); opacity: 1 }
.send { width: 44px; padding: 0 }
.state { margin-bottom: 12px; font-weight: 600 }
.note ol { margin: 8px 0 12px }
.note li { padding: 3px 8px; padding-inline-start: calc(8px + var(--depth, 0) * 14px) }
mark { color: inherit; background: color-mix(in oklab, var(--accent), var(--paper) 80%); border-radius: 4px; padding: 1px 3px }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
@media (max-width: 480px) {
  .panel { position: fixed; inset: 0 !important; width: 100%; height: 100dvh; border: 0; border-radius: 0 }
}
@media (prefers-reduced-motion: reduce) { .wait::after { animation: none; content: "…" } }
@media (forced-colors: active) {
  .opener, .question, .send, .cite { border: 1px solid } blockquote { border-color: Highlight } mark { background: Mark; color: MarkText }
}
`);

const ICONS = {
  open: "M5 4h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-8l-5 4v-4H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2ZM8 8.5h8M11 12.5h5",
  close: "M6 6l12 12M18 6L6 18",
  send: "M5 12h14M13 6l6 6-6 6",
  stop: "M7 7h10v10H7z",
  anew: "M12 5v14M5 12h14",
  back: "M19 12H5M11 6l-6 6 6 6",
};
