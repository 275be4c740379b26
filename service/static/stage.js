// What the page shows now. Only the newest request or pause may change it.

import { Failure } from "./api.js";
import { box, button, make, problem, stage, status, welcome } from "./elements.js";

const STATUS_PAUSE = 500; // a screen reader should hear the result of a word, not of every letter

let newest; // of the requests for what the page shows
let laterTimer;
let statusTimer;

/** Stops what is under way; its reply, however late, will not be shown. */
export function cancel() {
  newest?.abort();
  newest = null;
  clearTimeout(laterTimer);
  clearTimeout(statusTimer);
}

export function isBusy() {
  return stage.ariaBusy === "true";
}

/** Acts after the pause, unless something newer comes. */
export function later(act, pause) {
  laterTimer = setTimeout(act, pause);
}

/** Shows the reply to `request`, which takes a signal, unless something newer comes. `again` is for when it fails. */
export async function latest(request, showReply, again) {
  cancel();
  const mine = (newest = new AbortController());
  stage.ariaBusy = "true";
  sayLater("Looking …"); // heard and seen only when it takes that long
  try {
    const reply = await request(mine.signal);
    if (newest === mine) showReply(reply);
  } catch (error) {
    if (newest === mine) showFailure(Failure.from(error), again);
  } finally {
    if (newest === mine) stage.ariaBusy = "false";
  }
}

export function say(text, pause = 0) {
  clearTimeout(statusTimer);
  statusTimer = setTimeout(() => (status.textContent = text), pause);
}

export function sayLater(text) {
  say(text, STATUS_PAUSE);
}

export function show(...parts) {
  const held = stage.contains(document.activeElement);
  welcome.hidden = parts.length > 0;
  problem.replaceChildren();
  stage.replaceChildren(...parts);
  if (held) box.focus({ preventScroll: true }); // never lost to the body
}

export function showWelcome() {
  cancel();
  stage.ariaBusy = "false";
  show();
  say("");
}

function showFailure(failure, again) {
  show();
  welcome.hidden = true;
  say("");
  problem.replaceChildren(...failureParts(failure, box, again));
}

/** A failure in words, with a way to try again; `home` takes the focus when the message goes away. */
export function failureParts(failure, home, again) {
  const retry = button("", "Try again", () => {
    home.focus();
    again();
  });
  const kept = box.value && home === box ? " What you typed is kept." : "";
  return [make("h2", "", failure.title), make("p", "", failure.message + kept), retry];
}
