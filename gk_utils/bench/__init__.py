"""What `python -m gk_utils bench` does: run the files of benchmarks/, say and keep what they measured.

`running` runs a file, `timing` makes its rows, `results` keeps them and writes benchmarks/RESULTS.md.
"""

from gk_utils.bench.results import as_text
from gk_utils.bench.running import FOLDER, bench, names

__all__ = ["FOLDER", "as_text", "bench", "names"]
