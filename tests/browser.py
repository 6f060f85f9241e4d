"""Drives JupyterLab in an installed Chromium: a private server, a page that keeps a record, notebooks run and read.

Nothing here touches the user's Jupyter files, and the browser resolves no name: what is not served by the private
server cannot load. Every wait ends, and waits for a value.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Locator, Page, expect, sync_playwright

AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
LOCAL = re.compile(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:")
FLAGS = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip


def chromium() -> str:
    """The installed Chromium. Where there is none: CI running as root installs it, anyone else skips and is told."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None and AS_ROOT and os.environ.get("CI") == "true" and shutil.which("apt-get"):
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(command, check=True, timeout=600, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
        found = shutil.which("chromium")
    if found is None:
        pytest.skip(
            "BROWSER TESTS DID NOT RUN: no Chromium here. Install the package `chromium` "
            "(Debian: apt-get install chromium), or set CHROMIUM to the browser's command."
        )
    return found


@contextmanager
def lab_server(root: Path, private: Path, start_timeout: float = 60) -> Iterator[str]:
    """JupyterLab serving `root` on a free port, all its own files under `private`; gives its address."""
    settings = private / "settings" / "@jupyterlab"
    for name, values in {
        "apputils-extension/notification": {"fetchNews": "false"},  # no toast over the page
        "docmanager-extension/plugin": {"autosave": False},
    }.items():
        path = settings / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    # Its plug-in asks every new kernel for its state, and complains on the console when a page is left meanwhile.
    labconfig = private / "config" / "labconfig" / "page_config.json"
    labconfig.parent.mkdir(parents=True, exist_ok=True)
    labconfig.write_text(json.dumps({"disabledExtensions": {"@jupyterlab/debugger-extension": True}}))
    env = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(private / "config"),
        "JUPYTER_DATA_DIR": str(private / "data"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(private / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
        "IPYTHONDIR": str(private / "ipython"),
    }
    command = [
        sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ServerApp.port_retries=0",
        "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=", "--ServerApp.password=",
        f"--ServerApp.root_dir={root}", "--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", *(["--allow-root"] if AS_ROOT else []),
    ]  # fmt: skip
    log = private / "lab.log"
    end = time.monotonic() + start_timeout
    server, url = _start(command, env, root, log)
    try:
        while not _answers(f"{url}/api/status"):
            stopped = server.poll() is not None
            if stopped and "is not available" in log.read_text() and time.monotonic() < end:
                server, url = _start(command, env, root, log)  # a kernel of another test took the port meanwhile
            elif stopped or time.monotonic() > end:
                raise RuntimeError(f"JupyterLab did not start within {start_timeout} s:\n{log.read_text()}")
            time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(5)


def _start(command: list[str], env: dict[str, str], root: Path, log: Path) -> tuple[subprocess.Popen, str]:
    """Start a server on a port that was free just now; its process and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("w") as out:
        server = subprocess.Popen([*command, f"--port={port}"], env=env, cwd=root, stdout=out, stderr=subprocess.STDOUT)
    return server, f"http://127.0.0.1:{port}"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def browser_context(profile: Path) -> Iterator[BrowserContext]:
    """One window that can be touched, 1200 x 900, with its own profile."""
    executable = chromium()
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=executable,
            headless=True,
            args=FLAGS,
            viewport={"width": 1200, "height": 900},
            has_touch=True,
        )
        yield context
        context.close()


@dataclass
class Record:
    """What a page did that it should not have: errors on its console, requests to anywhere but this machine."""

    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._seen(request.url))
        page.on("websocket", lambda websocket: self._seen(websocket.url))

    def _seen(self, url: str) -> None:
        if not LOCAL.match(url):
            self.outside.append(url)

    def check(self) -> None:
        """Fail with what is on the record, and begin a new one."""
        errors, outside = self.errors[:], self.outside[:]
        self.errors.clear()
        self.outside.clear()
        assert not errors, f"errors on the page's console: {errors}"
        assert not outside, f"requests that left this machine: {outside}"


# What the page is asked. `notebook()` is the open notebook's panel.
NOTEBOOK = "const panel = window.jupyterapp?.shell.currentWidget; const notebook = panel?.content;"
READY = f"""() => {{ {NOTEBOOK}
    return notebook?.widgets?.length > 0 && panel.sessionContext?.session?.kernel?.status === 'idle'; }}"""
CELLS = f"""() => {{ {NOTEBOOK}
    return notebook.widgets.map(cell => {{
        const model = cell.model.toJSON();
        return {{kind: model.cell_type, source: [model.source].flat().join(''), count: model.execution_count,
                outputs: model.outputs ?? []}}; }}); }}"""
FILL = f"""(given) => {{ {NOTEBOOK}
    const cells = notebook.model.sharedModel, before = cells.cells.length;
    cells.transact(() => {{
        const metadata = {{jupyter: {{source_hidden: true}}}};
        cells.insertCells(0, given.map(cell => ({{...cell, metadata}})));
        cells.deleteCellRange(given.length, given.length + before); }}); }}"""
CLEAR = f"""async (code) => {{ {NOTEBOOK}
    await window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
    await panel.sessionContext.session.kernel.requestExecute({{code, store_history: false}}).done; }}"""
FORGET = """
import ipywidgets
ipywidgets.Widget.close_all()
get_ipython().run_line_magic("reset", "-f")
import gc
gc.collect()
"""
ASK = f"""async (code) => {{ {NOTEBOOK}
    const asked = panel.sessionContext.session.kernel.requestExecute({{code, store_history: false}});
    let said = '';
    asked.onIOPub = ({{header, content}}) => {{
        if (header.msg_type === 'stream') said += content.text;
        if (header.msg_type === 'error') said += content.evalue; }};
    await asked.done;
    return said; }}"""
# The values of all parts of the lab that was shown last, in the order of the page.
HELD = """
def held():
    import json
    import ipywidgets
    waiting, values = [[one for one in Out.values() if isinstance(one, ipywidgets.DOMWidget)][-1]], []
    while waiting:
        part = waiting.pop(0)
        waiting[:0] = getattr(part, "children", ())
        name = getattr(part, "value_name", "value")
        if hasattr(part, name) and not isinstance(part, (ipywidgets.HTML, ipywidgets.FileUpload)):
            values.append(getattr(part, name))
    print(json.dumps(values))
held()
"""
RUN_CELL = f"""async (index) => {{ {NOTEBOOK}
    notebook.activeCellIndex = index; notebook.deselectAll();
    await window.jupyterapp.commands.execute('notebook:run-cell'); }}"""


@dataclass(frozen=True)
class CellState:
    """A cell of the open notebook as it stands: what ran and what came out."""

    kind: str
    source: str
    count: int | None
    outputs: list[dict[str, Any]]

    @property
    def text(self) -> str:
        return "".join("".join(output.get("text", "")) for output in self.outputs)

    @property
    def mimes(self) -> set[str]:
        return {mime for output in self.outputs for mime in output.get("data", {})}


def open_notebook(page: Page, url: str, path: str) -> None:
    """Open `path` (below the server's root) with nothing beside it, and wait for its kernel."""
    page.goto(f"{url}/doc/tree/{path}?reset")
    page.wait_for_function(READY, timeout=60_000, polling=100)
    page.evaluate(
        """async () => { const { commands, shell } = window.jupyterapp;
        if (!shell.leftCollapsed) await commands.execute('application:toggle-left-area'); }"""
    )


def cells(page: Page) -> list[CellState]:
    return [CellState(**cell) for cell in page.evaluate(CELLS)]


def run_all(page: Page) -> None:
    """Run all cells and wait for the last one, 240 s at most. A failing cell stops the run; see `run_lesson`."""
    page.evaluate(
        """() => Promise.race([window.jupyterapp.commands.execute('notebook:run-all-cells'),
        new Promise((_, fail) => setTimeout(() => fail(new Error('the cells still run after 240 s')), 240000))])"""
    )


def run_cell(page: Page, index: int) -> CellState:
    """Run one cell and return what it says."""
    page.evaluate(RUN_CELL, index)
    return cells(page)[index]


def show_cells(page: Page, shown: Sequence[Mapping[str, Any]], name: str) -> list[CellState]:
    """Put cells in place of those of the open notebook, run all, check that they ran, and return them.

    The kernel goes on: what it imported stays, its widgets and its names go. Code is folded, outputs are shown.
    """
    page.evaluate(CLEAR, FORGET)
    page.evaluate(FILL, [{"cell_type": cell["cell_type"], "source": cell["source"]} for cell in shown])
    run_all(page)
    state = cells(page)
    check_ran(state, name)
    return state


def python_holds(page: Page) -> list[Any]:
    """What the kernel has as the values of the lab that was shown last: of its controls and its canvas, top down."""
    said = page.evaluate(ASK, HELD)
    try:
        return json.loads(said)
    except ValueError:
        raise AssertionError(f"the kernel did not say what it holds: {said}") from None


@contextmanager
def zoomed(page: Page, zoom: float) -> Iterator[None]:
    """The page as a browser shows it at this zoom on a screen 1920 wide: fewer layout pixels, each of more dots."""
    devtools = page.context.new_cdp_session(page)
    width, height = round(1920 / zoom), round(1080 / zoom)
    screen = {"width": width, "height": height, "deviceScaleFactor": zoom, "mobile": False}
    devtools.send("Emulation.setDeviceMetricsOverride", screen)
    page.wait_for_function("([zoom, width]) => devicePixelRatio === zoom && innerWidth === width", arg=[zoom, width])
    try:
        yield
    finally:
        devtools.send("Emulation.clearDeviceMetricsOverride")
        devtools.detach()
        page.wait_for_function("() => devicePixelRatio === 1")


def set_theme(page: Page, name: str) -> None:
    """Show JupyterLab in its theme "Light" or "Dark", and wait until it is there."""
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", f"JupyterLab {name}")
    page.wait_for_function(
        """([name, light]) => document.body.dataset.jpThemeName === name
        && document.body.dataset.jpThemeLight === light && !document.querySelector('#jupyterlab-splash')""",
        arg=[f"JupyterLab {name}", str(name == "Light").lower()],
    )


def check_ran(state: list[CellState], path: str) -> None:
    """Assert that every code cell has an execution count and none an error; the first that fails is named."""
    code = [cell for cell in state if cell.kind == "code" and cell.source.strip()]
    assert code, f"{path}: no code cells"
    for cell in code:
        first_line = cell.source.strip().splitlines()[0]
        errors = [f"{out['ename']}: {out['evalue']}" for out in cell.outputs if out["output_type"] == "error"]
        assert not errors, f"{path}, cell {first_line!r}: {errors}"
        assert cell.count is not None, f"{path}, cell {first_line!r}: did not run"


# The lab on the page


# Where the canvas lies, once it has stayed there for a tenth of a second and the pictures around it are there.
SETTLED_RECTANGLE = """async (canvas) => {
  let before = "", since = performance.now();
  for (;;) {
    const r = canvas.getBoundingClientRect(), now = [r.left, r.top, r.width, r.height];
    const complete = [...document.images].every((image) => image.complete);
    if (now.join() !== before || !complete) { before = now.join(); since = performance.now(); }
    if (performance.now() - since > 100) return now;
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}"""


@dataclass(frozen=True)
class Lab:
    """A canvas of the course on an open page, addressed in pixels of its picture."""

    canvas: Locator

    @property
    def note(self) -> Locator:
        """What Python says about the box; marked as stale while it speaks of another one."""
        return self.canvas.locator("xpath=following-sibling::*[contains(@class, 'gk-note')]")

    @property
    def box(self) -> list[float]:
        """Where the learner's box stands, as the canvas tells a screen reader."""
        label = self.canvas.get_attribute("aria-label") or ""
        return [float(side) for side in re.findall(r"(?:left|top|right|bottom) (-?[\d.]+)", label)]

    @property
    def picture_hw(self) -> tuple[int, int]:
        described = self.canvas.get_attribute("aria-describedby")
        words = self.canvas.page.locator(f"#{described}").text_content() or ""
        width, height = re.search(r"(\d+) px wide and (\d+) px high", words).groups()
        return int(height), int(width)

    def wait_for_box(self, box: Sequence[float]) -> None:
        """Wait until the canvas shows `box` and Python has answered it, 20 s at most."""
        left, top, right, bottom = (f"{side:g}" for side in box)
        words = f"left {left}, top {top}, right {right}, bottom {bottom}"
        expect(self.canvas).to_have_attribute("aria-label", re.compile(f": {re.escape(words)}$"), timeout=10_000)
        expect(self.note).not_to_have_class(re.compile("gk-stale"), timeout=10_000)

    def wait_for_words(self, words: str | re.Pattern[str]) -> None:
        """Wait until the canvas tells of a value that ends in `words` and Python has answered it, 20 s at most."""
        pattern = re.escape(words) if isinstance(words, str) else words.pattern
        expect(self.canvas).to_have_attribute("aria-label", re.compile(f"{pattern}$"), timeout=10_000)
        expect(self.note).not_to_have_class(re.compile("gk-stale"), timeout=10_000)

    def on_page(self, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        """Where points of the picture lie in the window, once it has come to rest."""
        self.canvas.scroll_into_view_if_needed()
        left, top, width, height = self.canvas.evaluate(SETTLED_RECTANGLE)
        scale_x, scale_y = width / self.picture_hw[1], height / self.picture_hw[0]
        return [(left + x * scale_x, top + y * scale_y) for x, y in points]

    def click(self, at: tuple[float, float], button: str = "left") -> None:
        """Click on a point of the picture."""
        self.canvas.page.mouse.click(*self.on_page([at])[0], button=button)

    def tap(self, at: tuple[float, float]) -> None:
        """Touch a point of the picture."""
        self.canvas.page.touchscreen.tap(*self.on_page([at])[0])

    def draw(self, points: Sequence[tuple[float, float]]) -> None:
        """Press at the first point, go to the others on straight lines, release at the last."""
        first, *others = self.on_page(points)
        mouse = self.canvas.page.mouse
        mouse.move(*first)
        mouse.down()
        for point in others:
            mouse.move(*point)
        mouse.up()

    def drag(self, start: tuple[float, float], by: tuple[float, float], finger: CDPSession | None = None) -> None:
        """Press at a point of the picture, move by so many of its pixels in steps, release."""
        steps = (0, 0.25, 0.5, 0.75, 1)
        path = self.on_page([(start[0] + by[0] * t, start[1] + by[1] * t) for t in steps])
        if finger is None:
            mouse = self.canvas.page.mouse
            mouse.move(*path[0])
            mouse.down()
            for point in path[1:]:
                mouse.move(*point)
            mouse.up()
            return
        for kind, point in zip(["touchStart", *["touchMove"] * 4], path, strict=True):
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": point[0], "y": point[1]}]})
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
