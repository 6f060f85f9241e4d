"""Make the web book: `python -m gk_utils.book`, or `make book`. It ends in book/_build/html.

The page with the grounder needs ONNX Runtime for browsers, which `make book` installs with npm; without it the page
says so, and the rest of the book is whole.
"""

import argparse
import shutil
import sys
from pathlib import Path

from gk_utils.classroom.source import ROOT

RUNTIME = Path(sys.prefix) / "node" / "node_modules" / "onnxruntime-web" / "dist"
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")


def main(arguments: list[str] | None = None) -> int:
    """Make the book; the exit status is 0 when it stands, 1 when Sphinx found a fault, 2 for bad arguments."""
    parser = argparse.ArgumentParser(prog="python -m gk_utils.book", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "book" / "_build", help="folder; book/_build if left out")
    parser.add_argument("--runtime", type=Path, default=RUNTIME, help="folder with the files of onnxruntime-web")
    chosen = parser.parse_args(arguments)
    from sphinx.cmd.build import main as sphinx

    from gk_utils.book.grounder_export import export_grounder
    from gk_utils.book.lab_export import export_labs
    from gk_utils.book.pages import write_pages
    from gk_utils.book.stage_export import export_stage
    from gk_utils.models.trunk_grounder import load_grounder

    source, page = chosen.out / "book_source", chosen.out / "html"
    shutil.rmtree(source, ignore_errors=True)
    pages = write_pages(source)
    print(f"{len(pages)} pages written; exporting the grounder")
    export_stage(source / "_static" / "live" / "stage.json")
    export_labs(source / "_static" / "lab")
    export_grounder(load_grounder()[0], source / "_static" / "live")
    missing = [name for name in RUNTIME_FILES if not (chosen.runtime / name).exists()]
    if missing:
        print(
            f"No {' and '.join(missing)} in {chosen.runtime}: the page with the grounder will say so.", file=sys.stderr
        )
    else:
        (source / "_static" / "ort").mkdir()
        for name in RUNTIME_FILES:
            shutil.copy(chosen.runtime / name, source / "_static" / "ort")
    status = sphinx(["-q", "-W", "--keep-going", "-j", "2", "-b", "html", str(source), str(page)])
    if status == 0:
        print(f"Read it: python -m http.server --directory {page}")
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
