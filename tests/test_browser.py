"""The labs and the lessons in JupyterLab, in a real browser: what a learner's hand does, Python hears.

One private server, one window, one notebook and one kernel serve all tests: each puts its cells into the notebook, a
lesson only those that its lab needs (`make test` runs the others by nbval). GK_DEEP=1 does more of each lab.
"""

import base64
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
import numpy as np
import pytest
from browser import (
    CellState,
    Lab,
    Record,
    browser_context,
    cells,
    check_ran,
    chromium,
    lab_server,
    open_notebook,
    python_holds,
    run_cell,
    set_theme,
    show_cells,
    zoomed,
)
from lab_cells import cells_towards, lab_cells
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from page_audit import faint, out_of_reach, unnamed
from playwright.sync_api import Locator, Page, expect

ROOT = Path(__file__).parent.parent
DEEP = os.environ.get("GK_DEEP") == "1"
LESSONS = {path: shown for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if (shown := lab_cells(path))}
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
# a grey picture of one pixel
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
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
    new_code_cell("time.sleep(1)"),
]
BUSY = len(CELLS) - 1
NOTEBOOK_STATE = """() => { const { activeCellIndex, mode, widgets } = window.jupyterapp.shell.currentWidget.content;
    const { scrollTop } = document.querySelector('.jp-WindowedPanel-outer');
    return [activeCellIndex, mode, widgets.length, scrollTop, location.href]; }"""


class Window:
    """The page, the folder it is served from, and the record of what went wrong."""

    def __init__(self, page: Page, folder: Path, record: Record) -> None:
        self.page, self.folder, self.record = page, folder, record
        self.shown = ""

    def show(self, name: str, shown: Sequence[NotebookNode], *, again: bool = False) -> None:
        """Have these cells in the notebook, run; what is there already stays, unless it is wanted `again`."""
        if again or self.shown != name:
            self.shown = ""
            show_cells(self.page, shown, name)
            self.shown = name

    @property
    def output(self) -> Locator:
        """What the last cell shows."""
        return self.page.locator(".jp-Notebook .jp-OutputArea-output").last


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    chromium()  # skips before a server starts for nothing
    private, folder = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("checkout") / "my"
    folder.mkdir()
    nbformat.write(new_notebook(cells=[new_code_cell("")], metadata=KERNEL), folder / "lab.ipynb")
    with lab_server(folder, private) as url, browser_context(private / "profile") as context:
        record = Record()
        record.watch(context.pages[0])
        open_notebook(context.pages[0], url, "lab.ipynb")
        yield Window(context.pages[0], folder, record)


@pytest.fixture(autouse=True)
def clean_page(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test: nothing on the console, nothing asked of another machine."""
    yield
    if "window" in request.fixturenames:
        request.getfixturevalue("window").record.check()


@pytest.fixture
def ran(window: Window) -> list[CellState]:
    """The cells above, run once."""
    window.show("lab", CELLS)
    return cells(window.page)


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

    @pytest.mark.parametrize("zoom", [1, 2])
    def test_mouse(self, window, lab, zoom):
        page = window.page
        with zoomed(page, zoom):
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
            assert python_holds(page) == [[0, 0, 200, 150]]
            expect(lab.note).to_have_text(python_reads(page)[1].replace("\n", " "))
            # Sharp: as many dots as the screen has under the canvas.
            dots, shown = lab.canvas.evaluate(
                "c => [c.width, c.getBoundingClientRect().width * window.devicePixelRatio]"
            )
            assert abs(dots - shown) <= 1

    def test_mouse_where_the_page_is_scaled(self, window, lab):
        """A style of the page may scale the notebook by itself: the canvas is measured as it is shown."""
        page = window.page
        scale = "zoom => { document.querySelector('.jp-Notebook').style.zoom = zoom; }"
        page.evaluate(scale, "1.25")
        try:
            lab.drag((160, 120), (80, 40))
            lab.wait_for_box([40, 40, 240, 160])
        finally:
            page.evaluate(scale, "")

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
        lab.canvas.focus()
        expect(lab.canvas).to_be_focused()
        expect(lab.canvas).to_have_css("outline-style", "solid")
        before = page.evaluate(NOTEBOOK_STATE)
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
        assert page.evaluate(NOTEBOOK_STATE) == before
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
        expect(lab.note).not_to_have_class(re.compile("gk-stale"), timeout=20_000)
        assert python_reads(page)[0] == [40, 40, 240, 160]


MODES = [
    new_markdown_cell("# Three labs"),
    new_code_cell(
        "import json, time\nimport numpy as np\n"
        "from gk_utils.labs.canvas import Answer\n"
        "from gk_utils.labs.click_canvas import ClickCanvas\n"
        "from gk_utils.labs.place_canvas import PlaceCanvas\n"
        "from gk_utils.labs.scribble_canvas import ScribbleCanvas\n"
        "def plain(grey):\n    return np.full((300, 400, 3), grey, np.uint8)\n"
        "def say(value):\n    return f'{len(value)} in all.'\n"
        "def show(value):\n    return Answer(say(value), plain(50 + 40 * len(value)))\n"
        "def take_time(value):\n    time.sleep(0.15)\n    return say(value)"
    ),
    new_code_cell("clicks = ClickCanvas(plain(50), [], show, title='Click')\nclicks"),
    new_code_cell(
        "boxes = [[40, 40, 100, 80], [200, 40, 300, 140], [220, 60, 260, 100]]\n"
        "places = PlaceCanvas(plain(150), boxes, ['mug', 'plate', 'apple'], say, title='Place')\nplaces"
    ),
    new_code_cell("scribbles = ScribbleCanvas(plain(150), [], take_time, title='Scribble')\nscribbles"),
    new_code_cell("print(json.dumps([clicks.points, places.boxes, scribbles.strokes]))"),
]
CLICKS, PLACES, SCRIBBLES = range(3)


@pytest.fixture
def modes(window: Window) -> list[Lab]:
    """The three canvases beside `Canvas`, in cells of their own that ran once."""
    window.show("modes", MODES)
    return [Lab(window.page.locator(".gk-canvas").nth(index)) for index in range(3)]


@pytest.mark.usefixtures("modes")
class TestModes:
    """The other modes of the canvas: by mouse, by finger, by the keyboard alone."""

    def python_reads(self, page: Page, index: int) -> list:
        return json.loads(run_cell(page, len(MODES) - 1).text)[index]

    def press(self, page: Page, *keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    def words(self, boxes: list[list[float]]) -> str:
        """What the canvas for placing says of these boxes."""
        sides = ("left", "top", "right", "bottom")
        told = [", ".join(f"{side} {number}" for side, number in zip(sides, box, strict=True)) for box in boxes]
        return f"1, mug, {told[0]}; 2, plate, {told[1]}; 3, apple, {told[2]}"

    def test_click(self, window, modes):
        page, lab = window.page, modes[CLICKS]
        page.locator(".gk-tools").nth(CLICKS).get_by_text("Clear").click()
        lab.click((100.5, 80.5))
        lab.wait_for_words("1, on the object, x 100.5, y 80.5")
        lab.click((200.5, 150.5), button="right")
        lab.wait_for_words("; 2, beside the object, x 200.5, y 150.5")
        page.keyboard.down("Shift")
        lab.click((300.5, 150.5))
        page.keyboard.up("Shift")
        lab.wait_for_words("; 3, beside the object, x 300.5, y 150.5")
        lab.drag((101, 81), (40, 20))  # the first one is dragged, no fourth one is put
        lab.wait_for_words(
            "1, on the object, x 140.5, y 100.5; 2, beside the object, x 200.5, y 150.5; "
            "3, beside the object, x 300.5, y 150.5"
        )
        assert self.python_reads(page, CLICKS) == [[140.5, 100.5, 1], [200.5, 150.5, 0], [300.5, 150.5, 0]]
        expect(lab.note).to_have_text("3 in all.")
        page.wait_for_function(
            "([c, grey]) => c.getContext('2d').getImageData(5, 5, 1, 1).data[0] === grey",
            arg=[lab.canvas.element_handle(), 170],
        )
        expect(page.locator(".lm-Menu")).to_have_count(0)  # the right button opened no menu
        assert page.evaluate("() => window.jupyterapp.shell.currentWidget.content.selectedCells.length") == 1

    def test_click_at_200_percent(self, window, modes):
        page, lab = window.page, modes[CLICKS]
        page.locator(".gk-tools").nth(CLICKS).get_by_text("Clear").click()
        with zoomed(page, 2):
            lab.click((100.5, 80.5))
            lab.click((300.5, 250.5), button="right")
            lab.wait_for_words("1, on the object, x 100.5, y 80.5; 2, beside the object, x 300.5, y 250.5")
        assert self.python_reads(page, CLICKS) == [[100.5, 80.5, 1], [300.5, 250.5, 0]]

    def test_click_by_finger(self, window, modes):
        page, lab = window.page, modes[CLICKS]
        tools = page.locator(".gk-tools").nth(CLICKS)
        tools.get_by_text("Clear").tap()
        lab.wait_for_words("Your points: none yet")
        tools.get_by_text("beside it").tap()
        expect(tools.get_by_text("beside it")).to_have_attribute("aria-pressed", "true")
        expect(tools.get_by_text("on it")).to_have_attribute("aria-pressed", "false")
        lab.tap((50.5, 60.5))
        lab.wait_for_words("Your points: 1, beside the object, x 50.5, y 60.5")
        tools.get_by_text("on it").tap()
        lab.tap((150.5, 60.5))
        lab.wait_for_words("; 2, on the object, x 150.5, y 60.5")
        tools.get_by_text("Take back").tap()
        lab.wait_for_words("Your points: 1, beside the object, x 50.5, y 60.5")
        tools.get_by_text("Take back").tap()
        lab.wait_for_words("Your points: none yet")

    def test_click_by_keyboard(self, window, modes):
        page, lab = window.page, modes[CLICKS]
        lab.click((100.5, 80.5))
        self.press(page, "Backspace", "ArrowRight", "Shift+ArrowDown", "Enter", "ArrowUp", "Shift+Enter")
        lab.wait_for_words("Your points: 1, on the object, x 101.5, y 90.5; 2, beside the object, x 101.5, y 89.5")
        before = page.evaluate(NOTEBOOK_STATE)
        self.press(page, "d", "d", "x", "b", "m", "Space")
        self.press(page, "ArrowLeft")
        status = page.locator(".gk-lab [role=status]").nth(CLICKS)
        expect(status).to_have_text("Cross-hair at x 100.5, y 89.5", timeout=5_000)
        self.press(page, "Backspace")
        expect(status).to_have_text("Your points: 1, on the object, x 101.5, y 90.5. 1 in all.", timeout=5_000)
        assert page.evaluate(NOTEBOOK_STATE) == before
        self.press(page, "Tab")
        expect(page.locator(".gk-tools button").first).to_be_focused()
        self.press(page, "Shift+Tab")
        expect(lab.canvas).to_be_focused()
        self.press(page, "Escape")
        expect(lab.canvas).not_to_be_focused()
        assert self.python_reads(page, CLICKS) == [[101.5, 90.5, 1]]

    def test_place(self, window, modes):
        page, lab = window.page, modes[PLACES]
        boxes = [[60, 140, 120, 180], [200, 40, 300, 140], [220, 60, 260, 100]]
        lab.drag((70, 60), (20, 100))
        lab.wait_for_words(self.words(boxes))
        lab.drag((240, 80), (500, -10))  # the small one in front of the large one, to the picture's edge
        lab.wait_for_words(self.words([*boxes[:2], [360, 50, 400, 90]]))
        page.locator(".gk-tools").nth(PLACES).get_by_text("Take back").click()
        lab.wait_for_words(self.words(boxes))
        lab.canvas.focus()  # with the first box chosen
        self.press(page, "ArrowLeft", "Tab", "Shift+ArrowDown", "3", "ArrowUp", "ArrowUp")
        moved = [[59, 140, 119, 180], [200, 50, 300, 150], [220, 58, 260, 98]]
        lab.wait_for_words(self.words(moved))
        status = page.locator(".gk-lab [role=status]").nth(PLACES)
        expect(status).to_have_text("apple: left 220, top 58, right 260, bottom 98. 3 in all.", timeout=5_000)
        self.press(page, "Backspace", "Backspace")
        lab.wait_for_words(self.words([moved[0], *boxes[1:]]))
        self.press(page, "Shift+Tab")
        expect(status).to_have_text("plate chosen: left 200, top 40, right 300, bottom 140", timeout=5_000)
        self.press(page, "Tab", "Tab")  # past the last box it leaves
        expect(page.locator(".gk-tools").nth(PLACES).get_by_text("Take back")).to_be_focused()
        assert self.python_reads(page, PLACES) == [moved[0], *boxes[1:]]

    def test_scribble(self, window, modes):
        page, lab = window.page, modes[SCRIBBLES]
        lab.draw([(50, 50), (120, 60), (130, 150)])
        lab.wait_for_words(re.compile(r": 1, a line of 3 points, x [\d. to]+, y [\d. to]+"))
        lab.draw([(200, 50), (300, 60), (290, 150), (201, 56)])  # back at its beginning, near enough
        lab.wait_for_words(re.compile(r"; 2, a closed shape of 5 points, x [\d. to]+, y [\d. to]+"))
        lab.tap((350, 250))
        lab.wait_for_words(re.compile(r"; 3, a point, x [\d.]+, y [\d.]+"))
        first, second, third = self.python_reads(page, SCRIBBLES)
        assert second[0] == second[-1]
        assert np.abs(np.subtract(first, [(50, 50), (120, 60), (130, 150)])).max() < 0.5
        assert np.abs(np.subtract(third, [(350, 250)])).max() < 0.5
        wave = [(20.5 + 4 * i, 250.5 + 30 * (i % 2)) for i in range(40)]  # faster than Python answers: nothing is lost
        lab.draw(wave)
        lab.wait_for_words(re.compile(r"; 4, a line of 40 points, x [\d. to]+, y [\d. to]+"))
        assert np.abs(np.subtract(self.python_reads(page, SCRIBBLES)[3], wave)).max() < 0.5
        lab.canvas.focus()
        self.press(page, "Backspace", "Backspace", "Backspace", "Backspace", "Shift+ArrowRight")
        self.press(page, "Enter", "Shift+ArrowLeft", "Shift+ArrowUp", "c", "ArrowUp", "Enter", "Enter")
        shape = "Your strokes: 1, a closed shape of 4 points, x 20.5 to 30.5, y 240.5 to 250.5"
        lab.wait_for_words(f"{shape}; 2, a point, x 20.5, y 239.5")
        page.locator(".gk-tools").nth(SCRIBBLES).get_by_text("Take back").click()
        lab.wait_for_words(shape)
        assert self.python_reads(page, SCRIBBLES) == [[[30.5, 250.5], [20.5, 250.5], [20.5, 240.5], [30.5, 250.5]]]


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


class TestLabCells:
    """A lesson's lab without its figures and measurements."""

    def test_what_a_lab_needs(self):
        setup = "import torch\nfrom gk_utils import charts, viz"
        made = "models = {}\nfor name in 'ab':\n    models[name] = torch.ones(3)\nviz.show(models['a'])"
        other = "name = 3\nparts = [models[name] for name in models]\nmodels['a'] = name"
        show = "from gk_utils.labs.some import some_lab\n\nsome_lab(models)"
        needed, last = cells_towards([setup, made, other, show, "after = 1"])
        assert last == show
        assert needed.split("\n") == [
            *("import torch", "models = {}", "for name in 'ab':", "    models[name] = torch.ones(3)"),
            *("name = 3", "models['a'] = name"),
        ]

    def test_a_notebook_without_a_lab(self):
        assert cells_towards(["from gk_utils.labs.boxes import compare\ncompare()", "1 + 1"]) == []

    def test_every_lab_of_the_course(self):
        numbers = "00 01 03 06 07 08 09 10 11 12 13 14 15 16 17"
        assert " ".join(path.stem[:2] for path in LESSONS) == numbers


class TestAudit:
    """The audit finds what it is there to find."""

    FAULTS = """<p style="color:#999">pale</p><input aria-label="" style="outline:none">
        <button aria-label="B" style="outline:none"></button>
        <div style="display:flex;flex-direction:row-reverse"><button>second</button><button>first</button></div>
        <button tabindex="-1">never</button>"""
    SOUND = """<p role="status" style="color:#666">dark enough</p><label>words <input></label>
        <div style="background:#000"><button aria-pressed="true">a</button></div><img alt="a mug" width="9" height="9">
        <style>:focus-visible { outline: 3px solid #0072b2 }</style>"""

    @pytest.mark.parametrize(("page_html", "found"), [(FAULTS, True), (SOUND, False)])
    def test_faults_are_found_and_sound_pages_pass(self, window, page_html, found):
        page = window.page.context.new_page()
        page.set_content(f"<main>{page_html}</main>")
        root = page.locator("main")
        pale, nameless, lost = faint(root), unnamed(page, root), out_of_reach(page, root)
        page.close()
        if not found:
            assert [*pale, *nameless, *lost] == []
            return
        assert re.match(r"text 'pale': 2\.\d+ : 1", pale[0])
        assert nameless == ["a textbox without a name", "no live region says what the picture shows"]
        said = "\n".join(lost)
        for part in ("Tab passes over <button tabindex", "the focus on <input", "first</button> comes after"):
            assert part in said


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lesson(window, lesson):
    """A learner opens the lesson, runs the lab, uses it and reads another answer; then does without eyes or mouse."""
    page, text = window.page, lesson.read_text()
    shown = [new_code_cell(source) for source in LESSONS[lesson]]
    use = next((use for name, use in LABS.items() if name in text), use_first_canvas)
    window.show(lesson.stem, shown)
    use(window)
    held = python_holds(page)
    faults = [*faint(window.output), *unnamed(page, window.output), *out_of_reach(page, window.output)]
    set_theme(page, "Dark")
    try:
        faults += [f"dark theme: {fault}" for fault in faint(window.output)]
        faults += [f"dark theme: {fault}" for fault in out_of_reach(page, window.output)]
    finally:
        set_theme(page, "Light")
    assert not faults, "\n".join(faults)
    if DEEP:
        window.show(lesson.stem, shown, again=True)
        with zoomed(page, 2):
            use(window)
            assert close(python_holds(page), held)
            assert out_of_reach(page, window.output) == []


def close(these: object, those: object) -> bool:
    """The same values; numbers up to half a pixel, which is what a point of a drawn line may be off."""
    if isinstance(these, list) and isinstance(those, list):
        return len(these) == len(those) and all(map(close, these, those))
    if isinstance(these, int | float) and isinstance(those, int | float):
        return abs(these - those) <= 0.5
    return these == those


def step_down(select: Locator, wanted: str) -> None:
    """Go down in a list with the arrow key, as far as `wanted`."""
    select.focus()
    options = select.locator("option").all_text_contents()
    here = select.evaluate("node => node.selectedIndex")
    for _ in range([option.replace("\xa0", " ") for option in options].index(wanted) - here):
        select.press("ArrowDown")
    assert select.input_value() == wanted


def use_expression_lab(window: Window) -> None:
    """Choose an expression."""
    page = window.page
    step_down(page.locator(".widget-select select"), "the leftmost mug")
    expect(page.locator(".widget-html code")).to_contain_text("number 1 from the left", timeout=20_000)


def use_caption_lab(window: Window) -> None:
    """Choose captions, and write one with an unknown word."""
    page = window.page
    said = page.locator(".widget-html [role=status]")
    second = page.locator(".widget-text input").last
    before, told = second.input_value(), said.text_content()
    step_down(page.locator(".widget-select select"), "nouns")
    expect(second).not_to_have_value(before, timeout=20_000)  # the kernel has written its captions
    expect(said).not_to_have_text(told, timeout=20_000)  # and judged them
    expect(said).to_contain_text("First true, second false.", timeout=20_000)
    second.fill("a wombat")
    second.press("Enter")
    expect(said).to_contain_text("Unknown words: wombat", timeout=20_000)


def use_hyperlink_lab(window: Window) -> None:
    """Click a phrase, begin with an unknown word, and with a known one."""
    page = window.page
    said, phrases = page.locator(".widget-html [role=status]"), page.locator("button.widget-button")
    words = phrases.nth(1).text_content()
    phrases.nth(1).click()
    expect(said).to_contain_text(f"'{words}':", timeout=20_000)
    own = page.locator(".widget-text input")
    own.fill("a wombat")
    own.press("Enter")
    expect(said).to_contain_text("wombat", timeout=20_000)
    expect(phrases).to_have_count(0)
    step_down(page.locator(".widget-dropdown select"), "we see")
    expect(phrases.first).to_be_visible(timeout=20_000)


def use_phrase_lab(window: Window) -> None:
    """Choose a prompt and move the threshold."""
    page = window.page
    said = page.locator(".widget-html [role=status]")
    step_down(page.locator(".widget-select select"), "mug.")
    expect(said).to_contain_text("boxes pass 0.30", timeout=20_000)
    page.locator(".widget-hslider .noUi-handle").first.press("End")
    expect(said).to_have_text(re.compile(r"^0 of \d+ boxes pass 1\.00"), timeout=20_000)


def use_claim_lab(window: Window) -> None:
    """Choose a text, and write one."""
    page = window.page
    said = page.locator(".widget-html [role=status]")
    page.locator(".widget-dropdown select").select_option("the other side")
    expect(said).to_have_text("6 supported, 1 contradicted", timeout=20_000)
    page.locator(".widget-textarea textarea").fill("Every kettle is a cat. It was not cheap.")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Check it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(said).to_have_text("1 contradicted, 1 undecided", timeout=20_000)


def use_talk_lab(window: Window) -> None:
    """Draw a region, ask about it, ask with an unknown word, and begin anew."""
    page = window.page
    use_canvas(Lab(page.locator("canvas.gk-canvas").first))  # a stroke: the box of the question
    said = page.locator("[role=log] div")
    page.locator(".widget-select select").select_option(index=0)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(said).to_have_count(4, timeout=20_000)
    expect(said.nth(2)).to_have_text(re.compile(r"^USER: What is in \[0\.\d{3},.*\]\?$"))
    page.locator(".widget-text input").fill("Where is the wombat?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("[role=status]", has_text="wombat")).to_have_count(1, timeout=20_000)
    page.get_by_role("button", name="New conversation").click()
    expect(said).to_have_count(0, timeout=20_000)


def use_photograph_lab(window: Window) -> None:
    """Write phrases, and bring a photograph."""
    page = window.page
    said = page.locator(".widget-html [role=status]")
    page.locator(".widget-text input").fill("cat; laptop")
    page.locator(".widget-text input").press("Enter")
    expect(said).to_have_text("1 mask for 2 phrases; nothing for 'laptop'.", timeout=20_000)
    with page.expect_file_chooser() as chooser:
        page.locator("button.widget-upload").click()
    (window.folder / "mine.png").write_bytes(base64.b64decode(DOT))
    chooser.value.set_files(window.folder / "mine.png")
    expect(page.locator(".widget-dropdown select")).to_have_value("yours: mine.png", timeout=20_000)


def use_assistant_desk(window: Window) -> None:
    """Choose an example, write a question about something that is not there, and one that cannot be read."""
    page = window.page
    said = page.locator(".widget-html [role=status]")
    page.locator(".widget-dropdown select").select_option(index=3)
    expect(said).to_have_text("There are 3: mugs.", timeout=20_000)
    question = page.locator(".widget-text input")
    for words, answer in {"Is there a wombat?": "There is no wombat", "Why?": "I cannot read that question."}.items():
        question.fill(words)
        question.press("Enter")
        expect(said).to_contain_text(re.compile(answer, re.IGNORECASE), timeout=20_000)


def use_first_canvas(window: Window) -> None:
    """Whatever its mode."""
    use_canvas(Lab(window.page.locator("canvas.gk-canvas").first))


LABS = {  # what a lesson's notebook has in it -> how its lab is used; any other has a canvas
    "ExpressionLab": use_expression_lab,
    "caption_lab": use_caption_lab,
    "hyperlink_lab": use_hyperlink_lab,
    "phrase_lab": use_phrase_lab,
    "claim_lab": use_claim_lab,
    "talk_lab": use_talk_lab,
    "photograph_lab": use_photograph_lab,
    "AssistantLab": use_assistant_desk,
}


def use_canvas(lab: Lab) -> None:
    """Put something on a canvas of any mode, and wait until Python has answered it with other words."""
    before = lab.note.text_content()
    height, width = lab.picture_hw
    x, y = width // 2 + 0.5, height // 2 + 0.5
    match lab.canvas.get_attribute("aria-roledescription"):
        case "picture with a box to place":
            x1, y1, x2, y2 = lab.box
            dx, dy = ((x1 + width) / 2 - x2) // 2, ((y1 + height) / 2 - y2) // 2
            lab.drag((x2, y2), (dx, dy))
            lab.wait_for_box([x1, y1, round(x2 + dx), round(y2 + dy)])
        case "picture to put points on":
            lab.click((x, y))
            lab.wait_for_words(f"on the object, x {x}, y {y}")
        case "picture with boxes to move":
            told = lab.canvas.get_attribute("aria-label")
            lab.canvas.focus()
            lab.canvas.press("Shift+ArrowRight")
            lab.wait_for_words(re.compile(rf"^(?!{re.escape(told)}$).*"))
        case "picture to draw on":
            lab.draw([(x, y), (x + width / 8, y), (x + width / 8, y + height / 8)])
            lab.wait_for_words(re.compile(r"a line of 3 points, x [\d. to]+, y [\d. to]+"))
    expect(lab.note).not_to_have_text(before, timeout=20_000)
