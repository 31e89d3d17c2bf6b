"""What a page of the built book costs a phone on a slow line, before anybody plays.

python benchmarks/pages.py [folder of the built book]

Chromium, 390 x 844, 1.6 Mbit/s, 150 ms, a processor slowed down four times, an empty cache, a
server that compresses. A page "can be read" when its first paragraph is on the screen.
"""

import shutil
import statistics
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))
from server import serve  # noqa: E402

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 94_000}
SLOWER = 4
RUNS = 3
WATCH = """
window.seen = { paint: 0, paragraph: 0, tasks: [] };
const watch = (type, note) => new PerformanceObserver(
    (list) => list.getEntries().forEach(note)).observe({ type, buffered: true });
watch('paint', (entry) => { if (entry.name === 'first-contentful-paint')
    seen.paint = entry.startTime; });
watch('longtask', (entry) => seen.tasks.push([entry.startTime, entry.duration]));
watch('element', (entry) => { seen.paragraph ||= entry.renderTime; });
new MutationObserver((changes, observer) => {
    const first = document.querySelector('article p');
    if (!first) return;
    first.setAttribute('elementtiming', 'first');
    observer.disconnect();
}).observe(document, { childList: true, subtree: true });
"""
SCROLL = """async () => {
    for (let y = 0; y < document.body.scrollHeight; y += 600) {
        scrollTo(0, y);
        await new Promise((done) => setTimeout(done, 50));
    }
}"""


def measure(browser, server, path, slow=True):
    """One visit: {what: number}."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.add_init_script(WATCH)
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    if slow:
        devtools.send("Network.emulateNetworkConditions", LINE)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    server.sent.clear()
    page.goto(f"{server.address}/{path}", wait_until="load", timeout=120_000)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    seen = page.evaluate("seen")
    sent = list(server.sent)
    loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    page.evaluate(SCROLL)
    page.wait_for_load_state("networkidle")
    context.close()
    return {
        "bytes": sum(size for _, size in sent),
        "requests": len(sent),
        "paint": seen["paint"],
        "paragraph": seen["paragraph"],
        "loaded": loaded,
        "before": max((d for at, d in seen["tasks"] if at < seen["paragraph"]), default=0),
        "longest": max((d for _, d in seen["tasks"]), default=0),
        "scrolled": sum(size for _, size in server.sent),
    }


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "_build" / "html"
    pages = [f"{page}.html" for page in parse_toc_yaml(ROOT / "_toc.yml")]
    program = next(filter(None, map(shutil.which, CHROMIUM)))
    print(f"{RUNS} visits, medians; seconds, and milliseconds for the longest tasks\n")
    print(
        f"{'':27}{'MB':>6}{'requests':>9}{'paint':>7}{'reading':>8}{'loaded':>7}"
        f"{'task before':>12}{'task':>6}{'MB scrolled':>12}"
    )
    with sync_playwright() as playwright, serve(folder) as server:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-background-networking"]
        )
        for page in pages:
            visits = [measure(browser, server, page) for _ in range(RUNS)]
            of = {what: statistics.median(v[what] for v in visits) for what in visits[0]}
            name = page.removeprefix("book/").removesuffix(".html").rpartition("/")[2]
            print(
                f"{name:27}{of['bytes'] / 1e6:>6.2f}{of['requests']:>9.0f}"
                f"{of['paint'] / 1e3:>7.1f}{of['paragraph'] / 1e3:>8.1f}{of['loaded'] / 1e3:>7.1f}"
                f"{of['before']:>12.0f}{of['longest']:>6.0f}{of['scrolled'] / 1e6:>12.2f}",
                flush=True,
            )
        browser.close()


if __name__ == "__main__":
    main()
