"""Does the course work with the oldest versions that pyproject.toml allows, and with the newest?

    python tests/versions.py oldest FOLDER
    python tests/versions.py newest FOLDER

Makes a virtual environment in FOLDER (7 GB with the GPU build of torch) with the lowest, or the highest, version of
every direct dependency, imports every module of the package, runs the part of the suite that meets other libraries
most, and says which versions these were and which bounds no resolver can reach. Needs a network, and removes nothing.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from gk_utils.requirements import release, requirements  # noqa: E402

# One test file or more for each library that the course rests on.
FILES = (
    "boxes metrics checkpoints viz charts coco rle photos tracing parser shards source rebuild loading text_head labs"
    " word_tokens loop run_files roi_align deformable_attention trunk vlm published_dino published_sam box_filler"
)
IMPORTS = """
import importlib, pathlib, sys
for path in sorted(pathlib.Path("gk_utils").rglob("*.py")):
    name = ".".join(path.with_suffix("").parts)
    if not name.endswith(("__main__", "_triton")):
        importlib.import_module(name.removesuffix(".__init__"))
print("all modules can be imported")
"""
VERSIONS = "import importlib.metadata, json, sys; m = importlib.metadata; "
VERSIONS += "print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))"


def make(which: str, folder: Path) -> Path:
    """The environment's Python."""
    tool, python = folder / "uv", folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(tool), "uv"]
    uv = str(tool / "bin" / "uv")
    subprocess.run(pip, check=True)
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder / "venv")], check=True)
    choice = ["--resolution", {"oldest": "lowest-direct", "newest": "highest"}[which]]
    command = [uv, "pip", "install", "--quiet", "--python", str(python), *choice, "--extra", "dev"]
    subprocess.run([*command, "-r", "pyproject.toml"], cwd=ROOT, check=True)
    return python


def report(which: str, python: Path) -> None:
    """Print each direct dependency's version, with a word where the oldest allowed cannot be had."""
    wanted = requirements()
    names = [one.name for one in wanted]
    found = json.loads(subprocess.run([python, "-c", VERSIONS, *names], check=True, capture_output=True).stdout)
    for one in wanted:
        lowest = next(bound for sign, bound in one.bounds if sign == ">=")
        reached = release(found[one.name])[: len(release(lowest))] == release(lowest)
        said = f"lowest bound {lowest}" if which == "oldest" and not reached else ""
        print(f"{one.name:<16} {found[one.name]:<14} {said}".rstrip())


def main() -> int:
    """Run the command line; 0 if all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=("oldest", "newest"))
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    python = make(options.which, options.folder.absolute())
    report(options.which, python)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([python, "-c", IMPORTS], cwd=ROOT, env=environment, check=True)
    # Old libraries warn under new ones below them; that is not what this asks.
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "filterwarnings=", "-W", "ignore"]
    files = [f"tests/test_{name}.py" for name in FILES.split()]
    return subprocess.run([*command, *files], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
