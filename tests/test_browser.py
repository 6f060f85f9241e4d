"""The labs and the lessons in JupyterLab, in a real browser: what a learner's hand does, Python hears.

One private server and one window serve all tests; the lessons are copied, so nothing is written to the checkout.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from browser import (
    CellState,
    Lab,
    Record,
    browser_context,
    check_ran,
    chromium,
    close_notebook,
    lab_server,
    run_cell,
    run_lesson,
)
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Page, expect

ROOT = Path(__file__).parent.parent
LAB = re.compile(r"from gk_utils\.labs\.\w+ import (\w+_lab|\w+Lab)\b")
LESSONS = [path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if LAB.search(path.read_text())]
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
FILLER = "\n\n".join(["A paragraph, so that the page is longer than the window."] * 30)

SETUP, SHOW, READ, RESET = 1, 2, 4, 5  # the code cells of the notebook below
CELLS = [
    new_markdown_cell("# A lab"),
    new_code_cell(
        "import json, time\nimport numpy as np\nfrom gk_utils.labs.boxes import drag_lab\n"
        "picture = np.zeros((300, 400, 3), np.uint8) + np.arange(0, 200, 0.5).astype(np.uint8)[None, :, None]"
    ),
    new_code_cell("lab = drag_lab(picture, [50, 60, 250, 220], 'the grey part', [40, 40, 160, 120])\nlab"),
    new_markdown_cell(FILLER),
    new_code_cell("print(json.dumps([lab.box, lab.note]))"),
    new_code_cell("lab.box = [40, 40, 160, 120]"),
    new_code_cell("time.sleep(1.5)"),
]
BUSY = len(CELLS) - 1


class Window:
    """The page, the server's address, the folder it serves, and the record of what went wrong."""

    def __init__(self, page: Page, url: str, folder: Path, record: Record) -> None:
        self.page, self.url, self.folder, self.record = page, url, folder, record


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    chromium()  # skips before a server starts for nothing
    private, folder = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("checkout") / "my"
    folder.mkdir()
    with lab_server(folder, private) as url, browser_context(private / "profile") as context:
        record = Record()
        record.watch(context.pages[0])
        yield Window(context.pages[0], url, folder, record)


@pytest.fixture(autouse=True)
def clean_page(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test: nothing on the console, nothing asked of another machine."""
    yield
    if "window" in request.fixturenames:
        request.getfixturevalue("window").record.check()


@pytest.fixture(scope="module")
def ran(window: Window) -> list[CellState]:
    """The notebook above, opened and run once."""
    nbformat.write(new_notebook(cells=CELLS, metadata=KERNEL), window.folder / "lab.ipynb")
    return run_lesson(window.page, window.url, "lab.ipynb")


@pytest.fixture
def lab(window: Window, ran: list[CellState]) -> Lab:
    """The lab on the page, its box back where it began, moved there by Python."""
    run_cell(window.page, RESET)
    lab = Lab(window.page.locator("canvas.gk-canvas"))
    lab.wait_for_box([40, 40, 160, 120])
    return lab


def python_reads(page: Page) -> tuple[list[float], str]:
    box, note = json.loads(run_cell(page, READ).text)
    return box, note


class TestLab:
    def test_live_where_there_is_a_kernel_still_where_there_is_none(self, window, ran, lab):
        output = window.page.locator(".jp-Cell").nth(SHOW).locator(".jp-OutputArea-output")
        expect(output.locator("canvas.gk-canvas")).to_be_visible()
        expect(output.locator("img")).to_have_count(0)
        (bundle,) = ran[SHOW].outputs
        assert {"application/vnd.jupyter.widget-view+json", "image/jpeg", "text/plain"} == set(bundle["data"])
        assert "yours: left 40, top 40, right 160, bottom 120" in "".join(bundle["data"]["text/plain"])

    @pytest.mark.parametrize(("pixel_ratio", "zoom", "window_wh"), [(1, 1, (1200, 900)), (2, 1.25, (800, 600))])
    def test_mouse(self, window, lab, pixel_ratio, zoom, window_wh):
        page = window.page
        devtools = page.context.new_cdp_session(page)
        devtools.send(
            "Emulation.setDeviceMetricsOverride",
            {"width": window_wh[0], "height": window_wh[1], "deviceScaleFactor": pixel_ratio, "mobile": False},
        )
        page.evaluate("zoom => { document.querySelector('.jp-Notebook').style.zoom = zoom; }", zoom)
        page.wait_for_function(
            """([ratio, zoom]) => { const canvas = document.querySelector('canvas.gk-canvas');
            const shown = canvas.getBoundingClientRect().width / canvas.clientWidth;
            return Math.abs(shown - zoom) < 0.01 && devicePixelRatio === ratio; }""",
            arg=[pixel_ratio, zoom],
        )
        try:
            lab.drag((160, 120), (80, 40))  # a corner
            lab.wait_for_box([40, 40, 240, 160])
            lab.drag((40, 100), (-15, 30))  # an edge
            lab.wait_for_box([25, 40, 240, 160])
            lab.drag((130, 100), (20, -10))  # the inside
            lab.wait_for_box([45, 30, 260, 150])
            lab.drag((45, 30), (-500, -500))  # a corner, out of the picture
            lab.wait_for_box([0, 0, 260, 150])
            lab.drag((260, 150), (-300, 0))  # past the opposite side, out of the picture
            lab.wait_for_box([0, 0, 0, 150])
            lab.drag((0, 75), (200, 0))  # a box without area can be opened again
            lab.wait_for_box([0, 0, 200, 150])
            box, note = python_reads(page)
            assert box == [0, 0, 200, 150]
            expect(lab.note).to_have_text(note.replace("\n", " "))
            # Sharp: as many dots as the screen has under the canvas.
            dots, shown = lab.canvas.evaluate(
                "c => [c.width, c.getBoundingClientRect().width * window.devicePixelRatio]"
            )
            assert abs(dots - shown) <= 1
        finally:
            devtools.send("Emulation.clearDeviceMetricsOverride")
            page.evaluate("() => { document.querySelector('.jp-Notebook').style.zoom = ''; }")

    def test_a_press_beside_the_box_moves_nothing(self, window, lab):
        lab.drag((300, 250), (-50, -50))
        lab.drag((160, 120), (1, 0))
        lab.wait_for_box([40, 40, 161, 120])
        assert python_reads(window.page)[0] == [40, 40, 161, 120]

    def test_finger(self, window, lab):
        page = window.page
        lab.canvas.scroll_into_view_if_needed()
        scrolled = "() => document.querySelector('.jp-WindowedPanel-outer').scrollTop"
        before = page.evaluate(scrolled)
        devtools = page.context.new_cdp_session(page)
        lab.drag((172, 110), (60, 90), finger=devtools)  # a fingertip beside the corner: it still gets hold of it
        lab.wait_for_box([40, 40, 220, 210])
        lab.drag((130, 125), (0, 50), finger=devtools)
        lab.wait_for_box([40, 90, 220, 260])
        assert page.evaluate(scrolled) == before
        assert python_reads(page)[0] == [40, 90, 220, 260]

    def test_keyboard(self, window, lab):
        page = window.page
        lab.canvas.scroll_into_view_if_needed()
        state = """() => { const { activeCellIndex, mode, widgets } = window.jupyterapp.shell.currentWidget.content;
            const { scrollTop } = document.querySelector('.jp-WindowedPanel-outer');
            return [activeCellIndex, mode, widgets.length, scrollTop, location.href]; }"""
        lab.canvas.focus()
        expect(lab.canvas).to_be_focused()
        expect(lab.canvas).to_have_css("outline-style", "solid")
        before = page.evaluate(state)
        for keys, box in {
            "ArrowRight": [41, 40, 161, 120],
            "ArrowDown": [41, 41, 161, 121],
            "Shift+ArrowDown": [41, 51, 161, 131],
            "Shift+ArrowLeft": [31, 51, 151, 131],
            "ArrowUp": [31, 50, 151, 130],
            "ArrowLeft": [30, 50, 150, 130],
            "Alt+ArrowRight": [30, 50, 151, 130],
            "Alt+ArrowLeft": [30, 50, 150, 130],
            "Alt+Shift+ArrowDown": [30, 50, 150, 140],
            "Alt+ArrowUp": [30, 50, 150, 139],
        }.items():
            page.keyboard.press(keys)
            lab.wait_for_box(box)
        for key in ("d", "d", "x", "b", "m", "Enter", "Space", "Shift+ArrowUp"):  # JupyterLab's, in command mode
            page.keyboard.press(key)
        assert page.evaluate(state) == before
        page.keyboard.press("Escape")
        expect(lab.canvas).not_to_be_focused()
        page.keyboard.press("ArrowDown")  # and now the notebook has its keys again
        page.wait_for_function(
            "index => window.jupyterapp.shell.currentWidget.content.activeCellIndex !== index", arg=before[0]
        )
        lab.wait_for_box([30, 40, 150, 129])
        assert python_reads(page)[0] == [30, 40, 150, 129]

    def test_it_says_where_it_came_to_rest(self, window, lab):
        lab.canvas.focus()
        for _ in range(3):
            window.page.keyboard.press("ArrowRight")
        expect(window.page.locator(".gk-lab [role=status]")).to_have_text(
            re.compile(r"^Your box: left 43, top 40, right 163, bottom 120\. IoU 0\.\d+: fails at 0\.5"), timeout=5_000
        )

    def test_a_note_that_python_has_not_renewed_fades(self, window, lab):
        page = window.page
        page.evaluate(
            """index => { const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.activeCellIndex = index; notebook.deselectAll();
            window.jupyterapp.commands.execute('notebook:run-cell'); }""",
            BUSY,
        )
        page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"
        )
        lab.drag((160, 120), (80, 40))
        expect(lab.note).to_have_class(re.compile("gk-stale"))
        expect(lab.note).not_to_have_class(re.compile("gk-stale"), timeout=10_000)
        assert python_reads(page)[0] == [40, 40, 240, 160]


class TestDriver:
    """The driver notices what it is there to notice."""

    @pytest.fixture
    def commands(self, monkeypatch):
        """No browser is installed, and installing one only notes the commands."""
        monkeypatch.delenv("CHROMIUM", raising=False)
        monkeypatch.setattr("browser.AS_ROOT", True)
        commands = []
        monkeypatch.setattr("subprocess.run", lambda command, **options: commands.append(command[:2]))
        monkeypatch.setattr("shutil.which", lambda name: name if name == "apt-get" or len(commands) == 2 else None)
        return commands

    def test_without_a_browser_people_are_told_which_package(self, commands, monkeypatch):
        monkeypatch.delenv("CI", raising=False)
        with pytest.raises(pytest.skip.Exception, match=r"BROWSER TESTS DID NOT RUN.*`chromium`"):
            chromium()
        assert not commands

    def test_without_a_browser_ci_installs_it(self, commands, monkeypatch):
        monkeypatch.setenv("CI", "true")
        assert chromium() == "chromium"
        assert commands == [["apt-get", "update"], ["apt-get", "install"]]

    def test_a_cell_that_failed_or_did_not_run_is_named(self):
        error = {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "division by zero"}
        ran = CellState("code", "1 + 1", 1, [])
        check_ran([CellState("markdown", "# Text", None, []), ran, CellState("code", "", None, [])], "a.ipynb")
        with pytest.raises(AssertionError, match=r"a.ipynb, cell '1 / 0  # here': .*ZeroDivisionError"):
            check_ran([ran, CellState("code", "\n1 / 0  # here\n2", 2, [error])], "a.ipynb")
        with pytest.raises(AssertionError, match="a.ipynb, cell '2': did not run"):
            check_ran([ran, CellState("code", "2", None, [])], "a.ipynb")
        with pytest.raises(AssertionError, match="no code cells"):
            check_ran([CellState("markdown", "# Text", None, [])], "a.ipynb")

    def test_errors_and_outside_requests_are_recorded(self, window):
        record = Record()
        page = window.page.context.new_page()
        record.watch(page)
        page.evaluate("() => fetch('https://course.invalid/x').catch(() => 0)")
        page.evaluate("() => console.error('broken')")
        page.close()
        assert record.outside == ["https://course.invalid/x"]
        assert "broken" in record.errors
        with pytest.raises(AssertionError, match="console"):
            record.check()


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lesson(window, lesson):
    """A learner opens the lesson, runs all cells, uses the lab, and reads another answer."""
    shutil.copy(lesson, window.folder)
    page = window.page
    run_lesson(page, window.url, lesson.name)
    if "ExpressionLab" in lesson.read_text():
        page.locator(".widget-select select").select_option("the leftmost mug")
        expect(page.locator(".widget-html code")).to_contain_text("number 1 from the left", timeout=10_000)
        close_notebook(page)
        return
    if "phrase_lab" in lesson.read_text():
        said = page.locator(".widget-html [role=status]")
        page.locator(".widget-select select").select_option("mug.")
        expect(said).to_contain_text("boxes pass 0.30", timeout=10_000)
        page.locator(".widget-hslider .noUi-handle").first.press("End")
        expect(said).to_have_text(re.compile(r"^0 of \d+ boxes pass 1\.00"), timeout=10_000)
        close_notebook(page)
        return
    lab = Lab(page.locator("canvas.gk-canvas").first)
    note = lab.note
    before = note.text_content()
    x1, y1, x2, y2 = lab.box
    height, width = lab.picture_hw
    dx, dy = ((x1 + width) / 2 - x2) // 2, ((y1 + height) / 2 - y2) // 2
    lab.drag((x2, y2), (dx, dy))
    lab.wait_for_box([x1, y1, round(x2 + dx), round(y2 + dy)])
    expect(note).not_to_have_text(before, timeout=10_000)
    close_notebook(page)
