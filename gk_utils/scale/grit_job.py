"""Rows of GrIT from a file of captions and a folder of pictures: the stages of lesson 12, shard by shard.

The file has a pair a line, as `image TAB caption` (its name ends in .tsv) or as {"image": ..., "caption": ...} (in
.jsonl, where other keys are passed over); blank lines count for nothing. A picture may have several captions.

A row has the columns of the published table: key, clip_similarity_vitb32, clip_similarity_vitl14, id, url, caption,
width, height, noun_chunks, ref_exps. The pair's place in the file, counted from 0, is its id and, in nine digits, its
key; url is the picture's name inside the folder; the similarities are null, since no CLIP is asked. A pair without a
box that is sure enough makes no row, as in the paper.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from gk_utils.formats.files import blame, is_text, need, parse_json
from gk_utils.scale.jobs import Manifest, items_in_a_shard
from gk_utils.scale.shard_work import Broken, Outcome, Shard, Work, reason_of
from gk_utils.scale.shards import is_whole

COLUMNS = {
    **{"key": "text", "clip_similarity_vitb32": "float", "clip_similarity_vitl14": "float", "id": "int"},
    **{"url": "text", "caption": "text", "width": "int", "height": "int"},
    **{"noun_chunks": "[[float]]", "ref_exps": "[[float]]"},
}
ENDINGS = (".jsonl", ".tsv")
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # half a pair: no file can hold it


@dataclass(frozen=True)
class Pair:
    """A picture's name inside the folder, what is said of it, and its place in the file."""

    number: int
    image: str
    caption: str


@dataclass(frozen=True)
class GritTask:
    """The stages over the pairs of a file; see `grit_task`, which makes it.

    Attributes:
        captions, images: the file and the folder; on a cluster every machine has them under these paths.
        kind: ".tsv" or ".jsonl", of the name that was given: `captions` may be what a link of that name leads to.
        parts: the shards.
        digest: sha256 of the file.
        model, sha256: the trunk that finds boxes, and its weights.
        chunker, least, overlap: as in `make_sample`; "auto" is decided here, since machines may differ.
        checkpoint: folder of another trunk.
    """

    captions: str
    images: str
    kind: str
    parts: tuple[Shard, ...] = field(repr=False)
    digest: str
    model: str
    sha256: str
    chunker: str
    least: float
    overlap: float
    checkpoint: str | None = None
    at_once: ClassVar[int] = 1
    columns: ClassVar[dict[str, str]] = COLUMNS

    def settings(self) -> dict[str, Any]:
        """What the rows depend on, beside the pictures themselves."""
        return {
            **{"job": "grit", "captions_sha256": self.digest, "pairs": sum(part.count for part in self.parts)},
            **{"images": self.images, "kind": self.kind},
            **{"model": self.model, "weights_sha256": self.sha256},
            **{"chunker": self.chunker, "least": self.least, "overlap": self.overlap},
        }

    def shards(self) -> list[Shard]:
        """The slices of the file."""
        return list(self.parts)

    def items(self, shard: Shard) -> list[Pair]:
        """The pairs of a slice, read from the file.

        Raises:
            ValueError: fewer or more than the slice has: the file has changed.
        """
        start, length = shard.where
        with Path(self.captions).open("rb") as file:
            file.seek(start)
            text = file.read(length).decode("utf-8")
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) != shard.count:
            raise ValueError(f"captions: expected {shard.count} pairs in {shard.name}, got {len(lines)}. Run it anew.")
        return [Pair(shard.first + place, *parse_pair(line, self.kind)) for place, line in enumerate(lines)]

    def name_of(self, item: Pair) -> str:
        """The picture's name."""
        return item.image

    def load(self, device: str) -> Work:
        """Load the trunk.

        Raises:
            ValueError: other captions or weights than the driver has. ModuleNotFoundError: no spaCy here where it is
                asked for.
        """
        from gk_utils.kosmos2.grit_stages import spacy_is_there
        from gk_utils.models.trunk_grounder import load_grounder

        if not is_whole(self.captions, self.digest):
            raise ValueError(f"captions: expected the driver's file, got another in {self.captions!r}. Copy it here.")
        grounder, card = load_grounder(self.checkpoint, device)
        if card.sha256 != self.sha256:
            raise ValueError(f"weights: expected {self.sha256[:12]}, got {card.sha256[:12]}. Copy the checkpoint here.")
        if self.chunker == "spacy" and not spacy_is_there():
            raise ModuleNotFoundError("spacy: expected it on every machine, got none here. Install it and its model.")

        def work(pairs: Sequence[Pair]) -> list[Outcome]:
            return [self._row(pair, grounder, device) for pair in pairs]

        return work

    def _row(self, pair: Pair, grounder: Any, device: str) -> Outcome:
        import torch

        from gk_utils.ground import read_picture
        from gk_utils.kosmos2.grit_stages import make_sample

        options = {"least": self.least, "overlap": self.overlap, "chunker": self.chunker}
        try:
            pixels = torch.from_numpy(read_picture(Path(self.images) / pair.image)).permute(2, 0, 1).float() / 255
            sample = make_sample(pixels.to(device), pair.caption, grounder, id=pair.number, **options).sample
        except Exception as error:
            return Broken(reason_of(error))
        return None if sample is None else row_of(sample, pair)


def row_of(sample: Any, pair: Pair) -> dict[str, Any]:
    """A `GritSample` as a row of the table; `formats.grit.parse_record` reads it back."""
    height, width = sample.image_hw
    row = {"key": f"{pair.number:09d}", "clip_similarity_vitb32": None, "clip_similarity_vitl14": None}
    row |= {"id": pair.number, "url": pair.image, "caption": sample.caption, "width": width, "height": height}
    for name, part in (("noun_chunks", sample.noun_chunks), ("ref_exps", sample.ref_exps)):
        numbers = zip(part.spans, part.boxes_unit.tolist(), part.scores.tolist(), strict=True)
        row[name] = [[float(start), float(end), *box, score] for (start, end), box, score in numbers]
    return row


def parse_pair(line: str, file_name: str) -> tuple[str, str]:
    r"""Image and caption of a line of a file whose name ends in .tsv or .jsonl.

    Raises:
        ValueError: neither; an empty text; half a surrogate pair; a picture that is not inside the folder.

    >>> parse_pair("a.png\ta mug", "x.tsv"), parse_pair('{"image": "b/c.png", "caption": "a cat"}', "x.jsonl")
    (('a.png', 'a mug'), ('b/c.png', 'a cat'))
    """
    if file_name.endswith(".tsv"):
        found = line.rstrip("\r").split("\t")
        need(len(found) == 2, "expected image TAB caption", line)
        image, caption = found
    else:
        record = parse_json(line)
        need(isinstance(record, dict), "expected an object with image and caption", record)
        image, caption = record.get("image"), record.get("caption")
    need(is_text(image), "image: expected a name on one line", image)
    need(isinstance(caption, str) and caption.strip() != "", "caption: expected a text", caption)
    for name, text in (("image", image), ("caption", caption)):
        need(not _SURROGATE.search(text), f"{name}: expected text that UTF-8 can hold", text)
    path = PurePosixPath(image)
    need(not path.is_absolute() and ".." not in path.parts, "image: expected a name inside the folder", image)
    return image, caption


def slice_captions(path: str | Path) -> tuple[tuple[Shard, ...], str]:
    """Check every line of a file of captions; its shards, and its sha256. The file is read twice, never held whole.

    Raises:
        ValueError: another ending, a line that is no pair (by its number), no pair at all; FileNotFoundError: no file.
    """
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise ValueError(f"--captions: expected a name that ends in {' or '.join(ENDINGS)}, got {path.name!r}.")
    if not path.is_file():
        raise FileNotFoundError(f"--captions: expected a file, got {str(path)!r}. Check the path.")
    digest, pairs = hashlib.sha256(), 0
    for number, line, _ in _lines(path):
        digest.update(line)
        with blame(f"{path.name}: line {number}"):
            text = line.decode("utf-8").rstrip("\n")
            if text.strip():
                parse_pair(text, path.name)
                pairs += 1
    if not pairs:
        raise ValueError(f"--captions: expected pairs, got none in {path.name!r}. Write image TAB caption, one a line.")
    most, shards, first, count, start = items_in_a_shard(pairs), [], 0, 0, 0
    for _, line, end in _lines(path):
        count += bool(line.decode("utf-8").strip())
        if count == most:
            shards.append(Shard(len(shards), first, count, [start, end - start]))
            first, count, start = first + count, 0, end
    if count:
        shards.append(Shard(len(shards), first, count, [start, path.stat().st_size - start]))
    return tuple(shards), digest.hexdigest()


def grit_task(captions: str | Path, images: str | Path, checkpoint: str | None = None) -> GritTask:
    """The task of a file and a folder, with the course's best trunk or the one in the folder `checkpoint`.

    Raises:
        ValueError, FileNotFoundError: as `slice_captions`; no folder; no checkpoint, or a damaged one.
    """
    from gk_utils import checkpoints
    from gk_utils.kosmos2.grit_stages import LEAST_SCORE, MOST_OVERLAP, spacy_is_there
    from gk_utils.models.trunk_grounder import NAMES

    if not Path(images).is_dir():
        raise ValueError(f"--images: expected a folder, got {str(images)!r}. Check the path.")
    parts, digest = slice_captions(captions)
    card = checkpoints.verify(checkpoints.first_shipped(*NAMES) if checkpoint is None else checkpoint)
    where = str(Path(captions).resolve()), str(Path(images).resolve())
    how = "spacy" if spacy_is_there() else "course", LEAST_SCORE, MOST_OVERLAP
    return GritTask(*where, Path(captions).suffix, parts, digest, card.recipe, card.sha256, *how, checkpoint)


def read_samples(manifest: Manifest) -> Iterator[Any]:
    """The rows of a finished job as `GritSample`s, checked.

    Raises:
        ValueError: a damaged shard, or one that holds other rows.
    """
    from gk_utils.formats.grit import parse_record

    for row in manifest.rows():
        yield parse_record(row)


def _lines(path: Path) -> Iterator[tuple[int, bytes, int]]:
    """Number, bytes and end of each line."""
    end = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            end += len(line)
            yield number, line, end
