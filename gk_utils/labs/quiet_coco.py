"""pycocotools' reader without its prints, which hold times that differ in every run.

Notebook: 09.
"""

import contextlib
import io
from pathlib import Path
from typing import Any


def open_coco(path: str | Path) -> Any:
    """The file as pycocotools' COCO object.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "empty.json"
    >>> _ = path.write_text('{"images": [], "annotations": [], "categories": []}')
    >>> open_coco(path).getImgIds()
    []
    """
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(path)
