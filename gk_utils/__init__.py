"""gk_utils, the grounding kit: what the lessons of the course compute with, in modules that can be read alone.

Boxes and the numbers about them: `boxes` (formats, coordinate frames, IoU), `metrics` and `average_precision`.
Pictures: `viz` draws them (with `drawing`, `charts` and `figure_image` behind it), `photos` holds seven labelled ones.
Between modules: `protocols` says what a detector or a grounder returns, `checkpoints` saves and verifies weights,
`formats` reads and writes the files of data sets, `errors` checks arguments in one form. Around the lessons: `labs` are
the interactive exercises, `classroom` checks and grades answers and builds the notebooks, and
`python -m gk_utils doctor` says whether a machine is ready. Importing this package imports none of them.
"""

import importlib.metadata

try:
    __version__ = importlib.metadata.version("gk-utils")
except importlib.metadata.PackageNotFoundError:  # read from a checkout that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
