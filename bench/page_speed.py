"""How fast the page feels: `python -m bench.page_speed [NOTES]`. Starts the real service and looks with the system's Chromium.

From a key to the first hits on the screen, typed letter by letter as a person would; from a click to the opened line; and the
frames of the map while it is zoomed. Prints milliseconds. Chromium draws without a graphics card here, so the map's figure is
a lower bound.
"""

from __future__ import annotations

import sys
from statistics import median, quantiles

from playwright.sync_api import Page, expect, sync_playwright

from bench.screenshots import ARGUMENTS, ROOT, chromium_path, serve
from service.measure.evaluate import read_questions

KEYS_APART = 140
"""Milliseconds between two keys: 85 words a minute, which is quick."""
QUESTIONS = 12
MAP_POINTS = 20_000

WATCH_HITS = """() => {
    window.waits = [];
    let typed = 0;
    document.getElementById("box").addEventListener("input", () => (typed = performance.now()), {capture: true});
    new MutationObserver(() => {
        if (!typed || !document.querySelector("#stage article")) return;
        const from = typed;
        typed = 0;
        requestAnimationFrame(() => setTimeout(() => waits.push(performance.now() - from)));
    }).observe(document.getElementById("stage"), {childList: true});
}"""

DRAW_MAP = """async (count) => {
    const {Chart} = await import(new URL("static/chart.js", document.baseURI));
    let seed = 1;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    const many = (make) => Array.from({length: count}, make);
    const place = () => Math.round(random() * 60000 - 30000);
    const swatches = [...document.querySelectorAll(".swatch")];
    const points = {x: many(place), y: many(place), edge: 32000, ids: many((_, i) => String(i)),
        colour: many((_, i) => i % swatches.length), labels: []};
    const canvas = document.querySelector(".points");
    const chart = new Chart(canvas, points, swatches, {pick() {}, hover() {}});
    chart.resize();
    const times = [];
    await new Promise((done) => {
        let last = performance.now();
        const frame = (now) => {
            times.push(now - last);
            last = now;
            if (times.length > 90) return done();
            chart.zoomBy(times.length % 40 < 20 ? 1.03 : 1 / 1.03, undefined, undefined, false);
            requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
    });
    return times.slice(1);
}"""


def main() -> None:
    notes = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "notes")
    questions = [question.q for question in read_questions(ROOT / "bench" / "questions" / "notes.jsonl")]
    with serve(notes) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        report("key to first hits", first_hits(page, url, questions[:: len(questions) // QUESTIONS][:QUESTIONS]))
        report("click to opened line", openings(page, url))
        page.goto(url + "?map=1")
        expect(page.locator(".points")).to_be_visible(timeout=120_000)  # it is drawn first
        report(f"frame of a map of {MAP_POINTS:,}", page.evaluate(DRAW_MAP, MAP_POINTS))
        browser.close()


def first_hits(page: Page, url: str, questions: list[str]) -> list[float]:
    page.goto(url)
    page.evaluate(WATCH_HITS)
    for question in questions:
        page.get_by_role("combobox", name="Ask your notes").fill("")
        page.get_by_role("combobox", name="Ask your notes").press_sequentially(question, delay=KEYS_APART)
        page.wait_for_timeout(500)
    return list(page.evaluate("waits"))


def openings(page: Page, url: str) -> list[float]:
    page.goto(url + "?q=encryption")
    times = []
    for link in page.locator("article h3 a").all():
        begun = page.evaluate("performance.now()")
        link.click()
        expect(page.locator(".row.here")).to_be_focused()
        times.append(page.evaluate("performance.now()") - begun)
        page.keyboard.press("Escape")
    return times


def report(name: str, times: list[float]) -> None:
    high = quantiles(times, n=20)[-1]
    print(f"{name:32} median {median(times):6.1f} ms   95% {high:6.1f} ms   of {len(times)}")


if __name__ == "__main__":
    main()
