// A cited note: where and what it is now, in its outline, and what has become of it since it was quoted.

async function fillNote(element, source, stop) {
  const query = new URL(serviceLink(source.url)).search;
  element.replaceChildren(make("p", "soft wait", "Opening the note"));
  element.ariaBusy = "true";
  try {
    const found = await getJson(`api/citations${query}`, stop);
    element.replaceChildren(...noteParts(found, source));
  } catch (error) {
    if (stop.aborted) return;
    const again = make("button", "", "Try again");
    again.type = "button";
    again.addEventListener("click", () => {
      element.focus(); // the button goes away
      fillNote(element, source, stop);
    });
    element.replaceChildren(make("p", "state", error instanceof TypeError ? GARBLED : error.message), again);
  } finally {
    element.ariaBusy = "false";
  }
}

function noteParts({ state, message, quote, note, excerpt }, source) {
  const parts = [make("p", "state", harmless(message))];
  if (state === "edited" || state === "deleted") {
    parts.push(make("p", "soft", "As it was quoted"), make("blockquote", "", noteText(quote)));
  }
  if (note) {
    if (state === "edited") parts.push(make("p", "soft", "As it stands now"));
    parts.push(make("p", "trail", trailText(note.path)), make("ol", "", ...excerpt.map(excerptLine)));
    parts.push(make("p", "place", noteText(note.source.file), `:${note.source.line}`));
  }
  const link = make("a", "", "Open it in the notes");
  link.href = serviceLink(source.url);
  link.target = "_blank";
  link.rel = "noopener";
  return [...parts, make("p", "", link)];
}

function excerptLine({ depth, text, hit }) {
  const line = make("li", "", hit ? make("mark", "", make("span", "unseen", "Cited: "), noteText(text)) : noteText(text));
  line.style.setProperty("--depth", Math.min(depth, 10)); // a deep outline must not push its text off a phone
  return line;
}
