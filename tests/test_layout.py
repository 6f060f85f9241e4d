"""The shape of the package: layers, imports, sizes, tests and docstrings, and the two lists of dependencies."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gk_utils.requirements import read_bounds, requirements

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gk_utils"
GROUND = {
    *("errors", "boxes", "frames", "metrics", "average_precision", "photos", "protocols", "checkpoints", "training"),
    *("viz", "charts", "drawing", "figure_image"),
    *("formats", "models", "countertop", "kernels"),
}
TECHNIQUES = {
    *("box_tokens", "box_regression", "text_coordinates", "roi_align", "grounding_dino", "segment_anything"),
    *("grounded_sam", "spatial_relations", "contrastive", "kosmos2", "shikra", "ferret", "grounded_conversation"),
    *("counting", "assistant", "heads"),
}
COURSE = {
    *("hub", "scale", "ground", "assist", "bench", "evaluate", "labs", "classroom"),
    *("book", "doctor", "requirements", "colab_setup", "__main__"),
}
MAY_USE = {"ground": {"ground"}, "technique": {"ground", "technique"}, "course": {"ground", "technique", "course"}}
# What ground and techniques may import at the top of a module: a GPU image has no more.
INSTALLED = {"torch", "torchvision", "numpy", "scipy", "PIL", "matplotlib", "safetensors", "tqdm", "jaxtyping"}
# Kernels: they need Triton, which exists on Linux alone. Nothing imports them at its top.
KERNELS = re.compile(r"kernels/\w+_triton")
LONG = {"grounding_dino", "segment_anything"}  # a model is read top to bottom in one file: up to 600 lines
TESTED_ELSEWHERE = {
    "__main__": "test_doctor.py runs the command line",
    "book/__main__": "test_book.py makes the whole book",
    "labs/": "test_labs.py holds one class per lab and the canvas",
    "classroom/exercises/": "the test file of the lesson's module holds them sound: test_boxes.py for boxes",
    "classroom/coursework": "test_coursework.py grades with it",
    "classroom/lint": "test_lint.py tests the lint and its three parts",
}
SHOWN_ELSEWHERE = {
    "load": "the example of checkpoints.save loads what it saved",
    "verify": "checkpoints.load without the weights",
    "load_into": "checkpoints.load into a module",
    "write_coco": "what formats.coco.read_coco reads",
}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def name_of(path: Path) -> str:
    """The module's path inside the package, without .py."""
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def layer_of(name: str) -> str:
    """The layer of a module, by the first part of its path."""
    first = re.split(r"[/.]", name)[0]
    layers = [
        layer
        for layer, members in (("ground", GROUND), ("technique", TECHNIQUES), ("course", COURSE))
        if first in members
    ]
    assert len(layers) == 1, f"gk_utils/{name}.py belongs to no layer: name it in tests/test_layout.py"
    return layers[0]


def imports(nodes: list[ast.AST]) -> list[str]:
    """The dotted names that these nodes import; `from gk_utils import viz` imports gk_utils.viz."""
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write imports from the top: from gk_utils.boxes import ..."
            if node.module == "gk_utils":
                found += [f"gk_utils.{alias.name}" for alias in node.names]
            else:
                found.append(node.module)
    return found


def top_level(tree: ast.Module) -> list[ast.AST]:
    """Every node that runs when the module is imported: all but the bodies of functions."""
    nodes, waiting = [], list(tree.body)
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return nodes


def definitions(tree: ast.Module) -> list[ast.AST]:
    """The public functions and classes of a module, and the public methods of these classes."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    public = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    for node in list(public):
        if isinstance(node, ast.ClassDef):
            public += [inner for inner in node.body if isinstance(inner, kinds) and not inner.name.startswith("_")]
    return public


@pytest.fixture(params=MODULES, ids=name_of)
def module(request: pytest.FixtureRequest) -> Path:
    return request.param


class TestLayers:
    def test_imports_only_go_down(self, module: Path):
        allowed = MAY_USE[layer_of(name_of(module))]
        used = [name for name in imports(list(ast.walk(tree_of(module)))) if name.startswith("gk_utils.")]
        wrong = [name for name in used if layer_of(name.removeprefix("gk_utils.")) not in allowed]
        assert not wrong, f"{name_of(module)} is {layer_of(name_of(module))} and imports {wrong}"

    def test_ground_and_techniques_import_with_the_core_alone(self, module: Path):
        if layer_of(name_of(module)) == "course":
            return
        roots = {name.split(".")[0] for name in imports(top_level(tree_of(module)))}
        allowed = INSTALLED | {"triton"} if KERNELS.fullmatch(name_of(module)) else INSTALLED
        wrong = roots - allowed - sys.stdlib_module_names - {"gk_utils"}
        assert not wrong, f"import {wrong} inside the function that uses it"

    def test_nothing_imports_a_kernel_at_its_top(self, module: Path):
        names = [name.removeprefix("gk_utils.").replace(".", "/") for name in imports(top_level(tree_of(module)))]
        assert not [name for name in names if KERNELS.fullmatch(name)], "import it inside the function that starts it"

    def test_no_private_name_of_another_module(self, module: Path):
        tree = tree_of(module)
        wrong, aliases = [], set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gk_utils"):
                wrong += [alias.name for alias in node.names if alias.name.startswith("_")]
                aliases |= {alias.asname or alias.name for alias in node.names}
        wrong += [
            f"{node.value.id}.{node.attr}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases
            if node.attr.startswith("_") and not node.attr.startswith("__")
        ]
        assert not wrong, f"{name_of(module)} uses {wrong}: make it public, or do without"

    def test_the_package_itself_imports_nothing(self):
        assert set(imports(list(ast.walk(tree_of(PACKAGE / "__init__.py"))))) <= {"importlib.metadata"}

    def test_a_forbidden_import_would_be_found(self):
        """The helpers see an import inside a try and a class, and leave one in a function alone."""
        tree = ast.parse("try:\n import skimage\nexcept E: pass\nclass A:\n import x.y\ndef f():\n import lazy\n")
        assert set(imports(top_level(tree))) == {"skimage", "x.y"}
        assert set(imports(list(ast.walk(tree)))) == {"skimage", "x.y", "lazy"}
        assert imports(ast.parse("from gk_utils import labs, viz").body) == ["gk_utils.labs", "gk_utils.viz"]

    def test_a_fresh_interpreter_loads_no_more_than_it_needs(self):
        ground = [
            "gk_utils." + name_of(path).replace("/", ".")
            for path in MODULES
            if layer_of(name_of(path)) == "ground" and not KERNELS.fullmatch(name_of(path))
        ]
        script = f"""
import importlib, sys
import gk_utils
assert "torch" not in sys.modules and "numpy" not in sys.modules, "import gk_utils is heavy"
for name in {ground}:
    importlib.import_module(name)
import gk_utils.hub  # reads no network either
heavy = ["skimage", "pycocotools", "transformers", "IPython", "matplotlib.pyplot", "lark", "accelerate"]
heavy += ["huggingface_hub"]
print(sorted(set(heavy) & set(sys.modules)))
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
        assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


class TestModules:
    def test_has_a_test_file_of_its_name(self, module: Path):
        name = name_of(module)
        if any(name == key or (key.endswith("/") and name.startswith(key)) for key in TESTED_ELSEWHERE):
            return
        stem = "lint" if name.startswith("classroom/lint") else module.stem
        assert (ROOT / "tests" / f"test_{stem}.py").is_file()

    def test_is_short(self, module: Path):
        lines = len(module.read_text(encoding="utf-8").splitlines())
        assert lines <= (600 if name_of(module) in LONG else 300), f"{name_of(module)} has {lines} lines: split it"

    def test_is_documented(self, module: Path):
        tree = tree_of(module)
        assert ast.get_docstring(tree), f"{name_of(module)} needs a docstring"
        silent = [node.name for node in definitions(tree) if not ast.get_docstring(node)]
        assert not silent, f"{name_of(module)}: {silent} need a docstring"

    def test_ground_functions_show_an_example(self, module: Path):
        if layer_of(name_of(module)) != "ground" or KERNELS.fullmatch(name_of(module)):
            return
        functions = [node for node in tree_of(module).body if isinstance(node, ast.FunctionDef)]
        public = [node for node in functions if not node.name.startswith("_") and node.name not in SHOWN_ELSEWHERE]
        bare = [node.name for node in public if ">>>" not in (ast.get_docstring(node) or "")]
        assert not bare, f"{name_of(module)}: {bare} need an example (>>>)"


class TestDependencies:
    def test_conda_and_pip_ask_for_the_same(self):
        environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
        lines = [line for line in environment if isinstance(line, str)]
        lines += [line for entry in environment if isinstance(entry, dict) for line in entry["pip"]]
        conda = {re.match(r"[\w.-]+", line).group(): read_bounds(line) for line in lines if line != "-e ."}
        assert "-e ." in lines
        assert conda.pop("pip") == ()
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        assert conda.pop("python") == read_bounds(re.search(r'requires-python = "(.*?)"', project).group(1))
        # What conda calls otherwise; matplotlib-base is matplotlib without a window toolkit.
        for theirs, ours in (("pytorch", "torch"), ("matplotlib-base", "matplotlib"), ("ray-data", "ray")):
            conda[ours] = conda.pop(theirs)
        groups = {"core", "lab", "hub", "scale", "book", "dev"}
        assert conda == {needed.name: needed.bounds for needed in requirements() if needed.group in groups}


class TestSizes:
    """A clone stays small: on Colab it is made again and again."""

    def test_checkpoints(self):
        files = [path for path in (ROOT / "data" / "checkpoints").rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) <= 32_000_000
        assert max(path.stat().st_size for path in files) <= 16 * 2**20

    def test_everything_that_git_tracks(self):
        done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip("not a git checkout")
        sizes = {name: (ROOT / name).stat().st_size for name in done.stdout.split("\0") if name}
        largest = sorted(sizes, key=sizes.get)[-3:]
        assert sum(sizes.values()) <= 52 * 2**20, f"the largest are {largest}"
