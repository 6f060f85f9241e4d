"""The whole web book: made, opened page by page in Chromium, and its grounder used. Runs in `make deep`."""

import functools
import http.server
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from browser import FLAGS, chromium
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from gk_utils.book.__main__ import RUNTIME, RUNTIME_FILES, main
from gk_utils.book.stage_export import SIDE
from gk_utils.models.trunk_grounder import load_grounder

DEEP = pytest.mark.skipif(os.environ.get("GK_DEEP") != "1", reason="takes minutes: make deep")
SIZES = ((1280, 900), (390, 844))  # a desk and a phone


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    extensions_map: ClassVar = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

    def log_message(self, *words: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("book")
    assert main(["--out", str(out)]) == 0
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
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    for path in sorted(html.rglob("*.html")):
        name = path.relative_to(html).as_posix()
        if name != "live.html":
            page.goto(f"{address}/{name}", wait_until="load")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= size[0] + 1, f"{name} is {wide} px wide on a screen of {size[0]}"
            assert page.title(), name
    assert wrong == []


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
@pytest.mark.skipif(
    not all((RUNTIME / name).exists() for name in RUNTIME_FILES), reason="no ONNX Runtime for browsers: make book"
)
@pytest.mark.parametrize("size", SIZES)
def test_the_grounder_in_the_page(size: tuple[int, int], address: str, browser: Browser, tmp_path: Path):
    """A mug is dragged, a phrase written; the box is that of the course's own grounder on the same picture."""
    page, wrong = watched(browser, size)
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
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
