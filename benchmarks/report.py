"""How large a report of many cards is, how soon it paints, and how it answers.

python -m benchmarks.report [--cards 2000] [--images FOLDER] [--write docs/benchmarks.md]

Pictures are generated scenes, or the photos below FOLDER (repeated, each time cropped elsewhere, so that none is
twice the same). Captions, scores and what was retrieved are made up, every gallery image about as often as in a run.
"""

import argparse
import io
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.common.document import replace_between
from benchmarks.common.timing import ADDITIONS, machine, seconds_for_additions
from cim.metrics.compare import compare
from cim.metrics.measurements import Measurements
from cim.metrics.scenes import score_scene
from cim.params import Evaluate
from cim.records import IdentityScore
from cim.report.cards import Card, answers, choose, gain
from cim.report.html import Report, render
from cim.report.pictures import FOUND, SOURCE, Size, data_uri
from cim.scenes.describe import describe
from cim.scenes.draw import draw
from cim.scenes.parse import parse
from cim.scenes.scene import scene_at

SOURCES, GALLERY = 1, 2  # seeds of the scenes
K, RUNS = 3, 5
Pictures = Callable[[int, int], Image.Image]  # seed, index


def scene_picture(seed: int, index: int) -> Image.Image:
    """A generated scene, 64 pixels wide as in the default run."""
    return Image.open(io.BytesIO(draw(scene_at(seed, index), 64))).convert("RGB")


def photo_pictures(folder: Path) -> Pictures:
    """Photos below `folder`, in turn, each time another nine tenths of them."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))

    def picture(seed: int, index: int) -> Image.Image:
        photo = Image.open(paths[(seed * 7919 + index) % len(paths)]).convert("RGB")
        rng, (width, height) = random.Random(f"{seed}-{index}"), photo.size
        left, top = rng.randrange(max(1, width // 10)), rng.randrange(max(1, height // 10))
        return photo.crop((left, top, left + width * 9 // 10, top + height * 9 // 10))

    return picture


def made_report(cards: int, gallery: int, picture: Pictures) -> Report:
    """A report of `cards` images whose captions found K of `gallery` images each."""
    names = [f"gallery{i:09}" for i in range(gallery)]
    base, tuned = (_measured(cards, names, detail) for detail in (0.1, 0.95))
    gains = [gain(*both) for both in zip(base.identity, tuned.identity, strict=True)]
    chosen = choose(gains, cards, seed=0)
    captions = {name: _caption(GALLERY, i, 0.95) for i, name in enumerate(names)}
    found = sorted({name for side in (base, tuned) for one in side.identity if one for name in one.ids})
    both = answers(base, tuned, chosen, captions)
    sources = _uris(picture, SOURCES, chosen, SOURCE)
    found_uris = _uris(picture, GALLERY, [int(name.removeprefix("gallery")) for name in found], FOUND)
    return Report(
        metrics=compare(base, tuned, Evaluate(bootstrap=100)),
        training=[],
        distributions=[],
        cards=[
            Card(f"source{i:010}", uri, [_caption(SOURCES, i, 0.95)], why, *said)
            for (i, why), uri, said in zip(chosen.items(), sources, both, strict=True)
        ],
        thumbnails=dict(zip(found, found_uris, strict=True)),
        lineage={},
        params="",
        rejects=[],
    )


def _measured(count: int, names: Sequence[str], detail: float) -> Measurements:
    rng = random.Random(detail)
    captions = [_caption(SOURCES, i, detail) for i in range(count)]
    rewards = [(rng.uniform(0.7, 0.9), detail * rng.uniform(0, 1.3)) for _ in range(count)]
    return Measurements(
        captions=captions,
        truncated=[rng.random() < 0.02 for _ in range(count)],
        facts=[score_scene(scene_at(SOURCES, i).graph(), parse(caption)) for i, caption in enumerate(captions)],
        ranks=np.array([rng.randint(1, count) for _ in range(count)]),
        identity=[
            IdentityScore(grc, qir, grc + qir, tuple(rng.sample(names, K)), (0.9, 0.8, 0.7), (0.7, 0.4, 0.1))
            for grc, qir in rewards
        ],
        overlap=[rng.random() for _ in range(count)],
    )


def _caption(seed: int, index: int, detail: float) -> str:
    return describe(scene_at(seed, index), random.Random(f"{seed}-{index}-{detail}"), detail)


def _uris(picture: Pictures, seed: int, indices: Sequence[int] | dict[int, str], size: Size) -> list[str]:
    most = size.each(len(indices))
    return [data_uri(picture(seed, i), size.side, most) for i in indices]


# Milliseconds until the screen shows what was asked for: two frames later, everything is drawn.
_ANSWERS = """async () => {
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
  const timed = async (id, value, kind) => {
    const started = performance.now(), element = document.getElementById(id);
    element.value = value;
    element.dispatchEvent(new Event(kind, { bubbles: true }));
    await drawn();
    return performance.now() - started;
  };
  const found = { search: await timed("search", "striped red", "input") };
  await timed("search", "", "input");
  found.sort = await timed("sort", "gain-down", "change");
  found.filter = await timed("filter", "tuned wrong facts", "change");
  await timed("filter", "", "change");
  const started = performance.now();
  document.getElementById("all").click();
  while (!document.getElementById("more").hidden) await drawn();
  found["show all"] = performance.now() - started;
  return found;
}"""

# Waits by itself: the page's policy forbids what Playwright's wait_for_function does in later frames, eval.
_FIRST_PAINT = """() => new Promise((done) => new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") done(entry.startTime);
}).observe({ type: "paint", buffered: true }))"""


def in_browser(path: Path, chromium: str) -> dict[str, float]:
    """Milliseconds, medians of RUNS openings of the file: first paint, cards drawn, and answers to a person."""
    from playwright.sync_api import sync_playwright

    found: list[dict[str, Any]] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium)
        for _ in range(RUNS):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(path.as_uri())
            page.wait_for_selector(".card")
            cards = page.evaluate("performance.now()")
            paint = page.evaluate(_FIRST_PAINT)
            found.append({"first paint": paint, "cards drawn": cards} | page.evaluate(_ANSWERS))
            page.close()
        browser.close()
    return {name: statistics.median(one[name] for one in found) for name in found[0]}


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", type=int, default=2000)
    parser.add_argument("--gallery", type=int, default=6000, help="images that captions can find")
    parser.add_argument("--images", type=Path, help="folder of photos to use instead of scenes, as a second row")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- report --> and its end")
    options = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("no Chromium on PATH (Debian: apt install chromium)")
    before = seconds_for_additions()
    kinds = {"scenes": scene_picture} | ({"photos": photo_pictures(options.images)} if options.images else {})
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, picture in kinds.items():
            started = time.perf_counter()
            page = render(made_report(options.cards, options.gallery, picture)).encode()
            path = Path(folder) / "report.html"
            path.write_bytes(page)
            made = time.perf_counter() - started
            times = in_browser(path, chromium)
            rows.append([kind, f"{len(page) / 1e6:.1f}", f"{made:.0f}", *(f"{ms:.0f}" for ms in times.values())])
    head = ["pictures", "MB", "made in s", *(f"{name} ms" for name in times)]
    shown = (
        f"{options.cards:,} cards, {K} of {options.gallery:,} gallery images a caption; medians of {RUNS} openings of "
        f"the file in headless Chromium, 1280 x 900. Calibration ({ADDITIONS:,} additions in Python, about 0.5 s on a "
        f"laptop): {before:.2f} s before, {seconds_for_additions():.2f} s after. {machine('playwright')}.\n\n"
    ) + "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])
    print(shown)
    if options.write:
        replace_between(options.write, "report", shown)


if __name__ == "__main__":
    main()
