"""The frozen spatial statements: sentences about countertop scenes, true and false, whose truth the scene itself gives.

Three sources: "countertop", the statements of the world's own grammar; "vsr" and "nlvr", sentence patterns in the
manner of these data sets (data/spatial/patterns.json) filled with the things of a scene. A sentence is only asked where
no decision in it is a close one. Half are true. Truth comes from the scene by a few lines of Python each
(`spatial_meanings`); neither the parser nor the verifier has a part in it.

`python -m gk_utils.evaluate.spatial_statements` makes data/spatial/statements.json anew.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.questions import draw_statement
from gk_utils.countertop.scene import Scene
from gk_utils.evaluate.spatial_meanings import MEANINGS
from gk_utils.evaluate.spatial_world import World
from gk_utils.formats.files import read_json, write_whole

FOLDER = Path(__file__).parents[2] / "data" / "spatial"
SEEDS = range(2**41, 2**41 + 240)  # no training and no other split draws from here
SOURCES = ("countertop", "vsr", "nlvr")


@dataclass(frozen=True)
class SpatialStatement:
    """A sentence about the scene of a seed.

    Attributes:
        seed: `scene_of(seed)` draws the scene.
        text: the sentence.
        holds: whether it is true.
        source: one of SOURCES.
        means: what kind of sentence it is: "relation", "exactly", "all colour" ...
    """

    seed: int
    text: str
    holds: bool
    source: str
    means: str


def scene_of(seed: int) -> Scene:
    """The scene of a frozen statement.

    >>> len(scene_of(2**41)) >= 3
    True
    """
    return draw_scene_for(seed)


@cache
def read_statements(path: str | Path = FOLDER / "statements.json") -> tuple[SpatialStatement, ...]:
    """The frozen statements, those of one scene one after the other.

    Raises:
        ValueError: a damaged file.
    """
    document = read_json(Path(path))
    rows = document["statements"] if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise ValueError(f"{Path(path).name}: expected an object with a list of statements. Restore the file.")
    return tuple(SpatialStatement(*row) for row in rows)


def make_statements(seeds: range = SEEDS) -> Iterator[SpatialStatement]:
    """Statements about the scenes of these seeds: per scene up to 4 of the grammar and 10 patterns."""
    patterns = read_json(FOLDER / "patterns.json")
    for count, seed in enumerate(seeds):
        scene, rng = scene_of(seed), np.random.default_rng(seed)
        said: set[str] = set()
        for _ in range(4):
            statement = draw_statement(scene, rng)
            if statement is not None and statement.text not in said:
                said.add(statement.text)
                yield SpatialStatement(seed, statement.text, statement.holds, "countertop", statement.relation)
        sentences = patterns["sentences"]
        for step in range(10):
            turn, which = divmod(10 * count + step, len(sentences))
            pattern, holds = sentences[which], bool((turn + which) % 2)
            filled = _fill(pattern, patterns["relations"], scene, rng, holds)
            if filled is not None and filled not in said:
                said.add(filled)
                yield SpatialStatement(seed, filled, holds, pattern["style"], pattern["means"])


def _fill(
    pattern: dict[str, str], wordings: dict[str, list[str]], scene: Scene, rng: np.random.Generator, holds: bool
) -> str | None:
    found = [fields for fields, is_so in MEANINGS[pattern["means"]](World(scene, rng)) if is_so == holds]
    if not found:
        return None
    fields = dict(found[int(rng.integers(len(found)))])
    for key in ("rel", "rel2"):
        if key in fields:
            fields[key] = wordings[fields[key]][int(rng.integers(len(wordings[fields[key]])))]
    if "rel" in fields:
        fields["Rel"] = fields["rel"].capitalize()
    try:
        return pattern["text"].format(**fields)
    except KeyError:
        return None


def main() -> None:
    """Write data/spatial/statements.json."""
    rows = [list(asdict(statement).values()) for statement in make_statements()]
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    write_whole(FOLDER / "statements.json", f'{{"statements": [\n{lines}\n]}}\n')
    print(f"{len(rows)} statements about {len(SEEDS)} scenes")


if __name__ == "__main__":
    main()
