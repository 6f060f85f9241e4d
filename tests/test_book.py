"""The whole web book: made, opened page by page in Chromium, and its grounder used. Runs in `make deep`."""

import functools
import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from browser import FLAGS, chromium
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from gk_utils import photos
from gk_utils.book.__main__ import RUNTIME, RUNTIME_FILES
from gk_utils.book.stage_export import SIDE
from gk_utils.classroom.source import ROOT
from gk_utils.labs.box_tokens import IMAGE_HW
from gk_utils.labs.boxes import describe
from gk_utils.labs.roi_readings import describe_roi
from gk_utils.labs.token_readings import describe_tokens
from gk_utils.models.trunk_grounder import load_grounder

DEEP = pytest.mark.skipif(os.environ.get("GK_DEEP") != "1", reason="takes minutes: make deep")
RUNS = pytest.mark.skipif(
    not all((RUNTIME / name).exists() for name in RUNTIME_FILES), reason="no ONNX Runtime for browsers: make book"
)
SIZES = ((1280, 900), (390, 844))  # a desk and a phone
# What reaches over the right side of the screen and lies in nothing that can be scrolled.
LOST = """() => {
  const wide = document.documentElement.clientWidth;
  const rolls = (node) => /auto|scroll/.test(getComputedStyle(node).overflowX);
  const scrolls = (node) => node && (rolls(node) || scrolls(node.parentElement));
  const over = (node) => node.getBoundingClientRect().right > wide + 1 && node.getBoundingClientRect().width > 0;
  return [...document.querySelectorAll("article *")]
    .filter((node) => over(node) && !scrolls(node))
    .slice(0, 3)
    .map((node) => node.outerHTML.slice(0, 80));
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    extensions_map: ClassVar = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

    def log_message(self, *words: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book as `make book` makes it: in a process of its own, where a warning of Sphinx ends in a status of 1."""
    out = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "gk_utils.book", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return out / "html"


@pytest.fixture(scope="module")
def address(html: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=html))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox", *FLAGS])
        yield browser
        browser.close()


def watched(browser: Browser, size: tuple[int, int]) -> tuple[Page, list[str]]:
    """A page of this size, and the list of its complaints: errors, and anything asked of another server."""
    page, wrong = browser.new_page(viewport={"width": size[0], "height": size[1]}), []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request", lambda ask: None if re.match(r"http://127|data:|blob:", ask.url) else wrong.append(f"asks {ask.url}")
    )
    page.on("response", lambda got: wrong.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    return page, wrong


@DEEP
@pytest.mark.parametrize("size", SIZES)
def test_every_page_opens(size: tuple[int, int], html: Path, address: str, browser: Browser):
    page, wrong = watched(browser, size)
    for path in sorted(html.rglob("*.html")):
        name = path.relative_to(html).as_posix()
        if name != "live.html":
            page.goto(f"{address}/{name}", wait_until="load")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= size[0] + 1, f"{name} is {wide} px wide on a screen of {size[0]}"
            assert page.title(), name
            lost = page.evaluate(LOST)
            assert lost == [], f"{name} at {size[0]}: cut off {lost}"
    assert wrong == []


@DEEP
def test_search_finds_a_word(address: str, browser: Browser):
    page, wrong = watched(browser, SIZES[0])
    page.goto(f"{address}/search.html?q=saucer")
    page.wait_for_selector("#search-results li a", timeout=30_000)
    assert any("01_boxes" in link.get_attribute("href") for link in page.locator("#search-results li a").all())
    assert wrong == []


@DEEP
def test_formulas_are_drawn_by_the_browser(address: str, browser: Browser):
    page, wrong = watched(browser, SIZES[1])
    page.goto(f"{address}/notebooks/06_roi_align.html")
    sizes = page.evaluate("[...document.querySelectorAll('math')].map((math) => math.getBoundingClientRect().height)")
    assert len(sizes) >= 2
    assert min(sizes) > 8
    assert wrong == []


@DEEP
def test_labs_say_that_they_need_a_kernel_and_show_their_first_frame(html: Path, address: str, browser: Browser):
    page, wrong = watched(browser, SIZES[1])
    counted = 0
    for path in sorted((html / "notebooks").glob("*.html")):
        page.goto(f"{address}/notebooks/{path.name}", wait_until="load")
        notes = page.locator("article p.lab-note:not(.gk-live *)")
        for note in notes.all():
            assert "make lab" in note.inner_text()
            still = note.locator("xpath=following::div[contains(@class, 'cell_output')][1]//img").first
            assert still.evaluate("(picture) => picture.naturalWidth") > 200, path.name
            assert len(still.get_attribute("alt")) > 20, path.name
            counted += 1
        assert page.locator(".jupyter-widgets, [data-mime-type*=widget]").count() == 0
    assert counted == 10
    assert wrong == []


def told(page: Page) -> tuple[list[float], str]:
    """The learner's box as the canvas says it, and the words under it."""
    label = page.get_attribute(".gk-live canvas", "aria-label")
    sides = re.search(r"Your box: left (\S+), top (\S+), right (\S+), bottom (\S+)", label)
    return [float(side) for side in sides.groups()], page.inner_text(".gk-live .gk-note")


@DEEP
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["01_boxes", "03_box_tokens", "06_roi_align"])
def test_labs_that_run_in_the_page(name: str, size: tuple[int, int], address: str, browser: Browser):
    """Dragged, moved by keys, set otherwise: the words are those of Python for the same box."""
    page, wrong = watched(browser, size)
    page.goto(f"{address}/notebooks/{name}.html")
    page.wait_for_selector(".gk-live[data-ready=yes]", timeout=30_000)
    canvas = page.locator(".gk-live canvas")
    canvas.scroll_into_view_if_needed()
    first, words = told(page)
    image_hw, describe = python_lab(name)
    assert words == describe(first)
    place = canvas.bounding_box()
    scale = place["width"] / image_hw[1]
    x, y = ((first[axis] + first[axis + 2]) / 2 * scale for axis in (0, 1))
    page.mouse.move(place["x"] + x, place["y"] + y)
    page.mouse.down()
    page.mouse.move(place["x"] + x - 12 * scale, place["y"] + y - 8 * scale, steps=4)
    page.mouse.up()
    dragged, words = told(page)
    assert dragged != first
    assert words == describe(dragged)
    canvas.focus()
    for key in ("Shift+ArrowLeft", "Alt+ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    stepped, words = told(page)
    assert stepped[0] == max(dragged[0] - 10, 0)
    assert words == describe(stepped)
    if name == "03_box_tokens":
        page.get_by_role("button", name="32 × 32 cells").click()
        assert told(page)[1] == describe_tokens(stepped, image_hw, "cells").note
    if name == "06_roi_align":
        page.get_by_role("group", name="stride").get_by_role("button", name="8", exact=True).press("Enter")
        assert "RoI Align reads 16 samples" in told(page)[1]
    assert page.locator(".gk-live").evaluate("(lab) => lab.previousElementSibling.querySelector('.cell_output').hidden")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0] + 1
    assert wrong == []


def python_lab(name: str) -> tuple[tuple[int, int], Callable[[list[float]], str]]:
    """The size of a lab's picture, and what Python says of a box on it."""
    if name == "01_boxes":
        coffee = photos.load("coffee")
        truth = [float(side) for side in coffee.boxes[coffee.index("the cup")]]
        return coffee.image.shape[:2], lambda box: describe(box, truth)
    if name == "03_box_tokens":
        return IMAGE_HW, lambda box: describe_tokens(box, IMAGE_HW, 100).note
    grid = torch.zeros(8, 8)  # the words do not hang on it
    return (128, 128), lambda box: describe_roi(grid, box, 16, 2).note


@DEEP
def test_every_link_leads_to_a_page_and_a_place_in_it(html: Path):
    ids = {
        path.relative_to(html).as_posix(): set(re.findall(r'\bid="([^"]+)"', path.read_text(encoding="utf-8")))
        for path in html.rglob("*.html")
    }
    lost = []
    for path in html.rglob("*.html"):
        for link in re.findall(r'href="([^"]+)"', path.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:", link) or link in ("#", ""):
                continue
            file, _, place = link.partition("#")
            target = (path.parent / file.partition("?")[0]).resolve() if file else path
            name = target.relative_to(html.resolve()).as_posix() if file else path.relative_to(html).as_posix()
            if not target.exists() or (place and name in ids and place not in ids[name]):
                lost.append(f"{path.name}: {link}")
    assert lost == []


@DEEP
@RUNS
@pytest.mark.parametrize("size", SIZES)
def test_the_grounder_in_the_page(size: tuple[int, int], address: str, browser: Browser, tmp_path: Path):
    """A mug is dragged, a phrase written; the box is that of the course's own grounder on the same picture."""
    page, wrong = watched(browser, size)
    page.goto(f"{address}/live.html")
    page.wait_for_function("document.getElementById('live-grounder').dataset.ready === 'yes'", timeout=120_000)
    canvas, checkbox = page.locator("#live-grounder canvas"), page.locator("#live-grounder input[type=checkbox]")
    checkbox.uncheck()

    def box() -> list[int]:
        return [int(number) for number in page.get_attribute("#live-grounder", "data-box").split()]

    first = box()
    place = canvas.bounding_box()
    centre = [(first[axis] + first[axis + 2]) / 2 * place["width"] / SIDE for axis in (0, 1)]
    canvas.scroll_into_view_if_needed()
    place = canvas.bounding_box()
    x, y = place["x"] + centre[0], place["y"] + centre[1]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - place["width"] * 0.2, y + place["height"] * 0.35, steps=5)
    page.mouse.up()
    page.fill("#live-grounder input[type=text]", "the red mug in front of the toaster")
    page.wait_for_function(
        "before => { const now = document.getElementById('live-grounder').dataset.box; return now && now != before }",
        arg=" ".join(map(str, first)),
        timeout=60_000,
    )
    page.wait_for_timeout(1500)  # the last answer, after both changes
    found = box()
    assert max(abs(a - b) for a, b in zip(found, first, strict=True)) > 20

    picture = tmp_path / "page.png"
    page.evaluate("document.activeElement.blur()")
    picture.write_bytes(canvas.screenshot())
    with Image.open(picture) as file:
        image = torch.from_numpy(np.asarray(file.convert("RGB")) / 255).float().permute(2, 0, 1)
    expected = load_grounder()[0].ground(image, "the red mug in front of the toaster").boxes[0] * SIDE / image.shape[2]
    np.testing.assert_allclose(found, expected, atol=12)  # the picture of the page has the answer's outline on it
    assert wrong == []


@pytest.fixture(scope="module")
def live(address: str, browser: Browser) -> Iterator[Page]:
    """The page with the grounder, its model loaded."""
    page, wrong = watched(browser, SIZES[0])
    page.goto(f"{address}/live.html")
    page.wait_for_function("document.getElementById('live-grounder').dataset.ready === 'yes'", timeout=120_000)
    yield page
    assert wrong == []


def answer_with(page: Page, words: str) -> str:
    """The answer once it holds these words."""
    page.wait_for_function(
        "words => document.getElementById('live-answer').textContent.includes(words)", arg=words, timeout=60_000
    )
    return page.inner_text("#live-answer")


@DEEP
@RUNS
def test_the_page_computes_what_python_computes(live: Page):
    grounder = load_grounder()[0]
    side = grounder.trunk.settings.image_side
    image = torch.rand(3, side, side, generator=torch.Generator().manual_seed(5))
    found = live.evaluate(
        """async ([pixels, phrases]) => {
          const here = new URL("_static/", location.href).href;
          const { Grounder } = await import(here + "grounder.js");
          const ort = await import(here + "ort/ort.wasm.bundle.min.mjs");
          const grounder = await Grounder.load(ort, here + "live");
          const seen = await grounder.see(Float32Array.from(pixels));
          const answers = [];
          for (const phrase of phrases) answers.push(await grounder.ask(seen, phrase));
          return answers.map(({ shares, none }) => ({ shares: [...shares], none, boxes: seen.boxes }));
        }""",
        [image.flatten().tolist(), ["the red mug near the toaster", "kettle"]],
    )
    for phrase, answer in zip(("the red mug near the toaster", "kettle"), found, strict=True):
        with torch.no_grad():
            seen = grounder.trunk.see(image[None])
            shares = grounder.trunk.ask(seen.features, grounder.trunk.number([phrase])).answer.softmax(1)[0]
        np.testing.assert_allclose(answer["shares"], shares[:-1], atol=1e-4)
        np.testing.assert_allclose(answer["none"], shares[-1], atol=1e-4)
        np.testing.assert_allclose(answer["boxes"], seen.boxes_unit[0].clamp(0, 1), atol=1e-4)


@DEEP
@RUNS
def test_what_is_not_there_and_what_is_not_known(live: Page):
    live.get_by_role("button", name="the yellow kettle").click()
    assert "There is none" in answer_with(live, "There is none")
    live.fill("#live-grounder input[type=text]", "the zeppelin")
    answer_with(live, "It does not know: zeppelin.")
    live.fill("#live-grounder input[type=text]", "   ")
    answer_with(live, "Write 1 to")
    live.fill("#live-grounder input[type=text]", "the apple")
    answer_with(live, "Box ")


@DEEP
@RUNS
def test_the_score_map_can_be_taken_away(live: Page):
    canvas = live.locator("#live-grounder canvas")
    live.fill("#live-grounder input[type=text]", "the leftmost mug")
    answer_with(live, "Box ")
    live.wait_for_timeout(1500)
    shown = canvas.screenshot()
    live.locator("#live-grounder input[type=checkbox]").uncheck()
    bare = canvas.screenshot()
    live.locator("#live-grounder input[type=checkbox]").check()
    assert shown != bare
    assert canvas.screenshot() == shown


@DEEP
@RUNS
def test_the_grounder_by_keys_alone(live: Page):
    """The phrase is written, Tab leads to a thing, arrows move it, and the answer follows."""
    live.locator("#live-grounder input[type=text]").focus()
    live.keyboard.press("ControlOrMeta+a")
    live.keyboard.type("the apple")
    answer_with(live, "Box ")
    live.wait_for_timeout(1500)
    before = live.get_attribute("#live-grounder", "data-box").split()
    for _ in range(40):
        live.keyboard.press("Tab")
        if live.evaluate("document.activeElement.textContent") == "green apple":
            break
    else:
        raise AssertionError("Tab does not lead to the apple")
    for _ in range(8):
        live.keyboard.press("ArrowUp")
    live.wait_for_function(
        "top => Number(document.getElementById('live-grounder').dataset.box.split(' ')[1] ?? top) < top",
        arg=int(before[1]) - 20,
        timeout=60_000,
    )
