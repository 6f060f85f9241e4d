"""The GrIT pipeline, stage by stage: from a picture with a caption to phrases with boxes, without a person.

    caption -> noun chunks -> boxes of a detector -> score filter -> NMS -> referring expressions -> one row of GrIT

Each stage is a function. The detector sees noun chunks alone; a chunk that grows to an expression ("the mug" to "the
mug behind the kettle") takes its boxes along, as in the paper. A row without boxes is thrown away.

Source: Kosmos-2, Peng et al. 2023, arXiv:2306.14824, section 2.1 (spaCy, GLIP, 0.65, NMS); the threshold of the NMS is
not given there. Notebook: 12.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.boxes import clip_boxes, nms
from gk_utils.formats.grit import GritSample, GritSpans
from gk_utils.frames import Frame
from gk_utils.protocols import Detections, Detector, Grounder, Grounding
from gk_utils.spatial_relations.noun_chunks import read_chunk
from gk_utils.spatial_relations.quantifier_words import DETERMINERS
from gk_utils.spatial_relations.statement_words import Words, match, split_words
from gk_utils.spatial_relations.word_lists import NUMBERS

LEAST_SCORE = 0.65
MOST_OVERLAP = 0.5  # IoU of two boxes that the NMS leaves alone
SPACY_MODEL = "en_core_web_sm"
Span = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Stages:
    """What each stage made of one caption.

    Attributes:
        caption: the text.
        chunks: spans of the noun chunks.
        found: all boxes of the detector; `found.phrases` are the chunks' words.
        of_chunk: for each box of `found` the number of its chunk.
        kept, distinct: rows of `found` after the score filter, and of these after NMS.
        expressions: for each chunk the span that it grows to; its own where it does not grow.
        sample: the row of GrIT; None where no box is left.
    """

    caption: str
    chunks: tuple[Span, ...]
    found: Detections
    of_chunk: tuple[int, ...]
    kept: tuple[int, ...]
    distinct: tuple[int, ...]
    expressions: tuple[Span, ...]
    sample: GritSample | None


def noun_chunks(caption: str, chunker: str = "auto") -> tuple[Span, ...]:
    """The noun chunks of a caption as spans of characters.

    "spacy" asks spaCy's English model, "course" the parser of lesson 10, which reads chunks that begin with an
    article, a number or another such word; "auto" takes spaCy where its model is installed.

    Raises:
        ValueError: another chunker.
        OSError, ModuleNotFoundError: "spacy" where it or its model is not installed.

    >>> caption = "A photo of two red mugs, behind the kettle"
    >>> [caption[start:end] for start, end in noun_chunks(caption, "course")]
    ['A photo', 'two red mugs', 'the kettle']
    """
    if chunker not in ("auto", "course", "spacy"):
        raise ValueError(f"chunker: expected 'auto', 'course' or 'spacy', got {chunker!r}. Take 'auto'.")
    if chunker == "spacy" or (chunker == "auto" and spacy_is_there()):
        import spacy

        found = spacy.load(SPACY_MODEL)(caption).noun_chunks
        return tuple((chunk.start_char, chunk.end_char) for chunk in found)
    words, chunks, at = _words(caption), [], 0
    while at < len(words.words):
        begins = words.words[at] in DETERMINERS or words.words[at] in NUMBERS
        read = read_chunk(words, at, {}) if begins else None
        if read is None or read[0].headless:
            at += 1
            continue
        chunks.append(read[0].span)
        at = read[1]
    return tuple(chunks)


def spacy_is_there() -> bool:
    """Whether spaCy and its small English model are installed."""
    from importlib.util import find_spec

    return find_spec("spacy") is not None and find_spec(SPACY_MODEL) is not None


def expand_chunks(caption: str, chunks: Sequence[Span]) -> tuple[Span, ...]:
    """Grow each chunk by the chunks that a relation hangs on it: "the mug" and "behind" and "the kettle".

    "and", commas and verbs end an expression. What comes last grows to itself.

    >>> caption = "a mug on the plate near the kettle and a cat"
    >>> [caption[start:end] for start, end in expand_chunks(caption, noun_chunks(caption, "course"))]
    ['a mug on the plate near the kettle', 'the plate near the kettle', 'the kettle', 'a cat']
    """
    grown: list[Span] = []
    for place in range(len(chunks)):
        last = place
        while last + 1 < len(chunks) and _relates(caption[chunks[last][1] : chunks[last + 1][0]]):
            last += 1
        grown.append((chunks[place][0], chunks[last][1]))
    return tuple(grown)


def find_chunks(
    image: Float[Tensor, "3 h w"], phrases: Sequence[str], finder: Detector | Grounder
) -> tuple[Detections, tuple[int, ...]]:
    """The boxes of each phrase and, for each box, which phrase it is of; each phrase is asked for by itself.

    A phrase that the finder cannot read has no boxes. One with `ground_all`, as the trunk, sees the picture once.

    Raises:
        ValueError: the finder can read none of the phrases; its own reason.
    """
    boxes, scores, owners = [torch.zeros(0, 4)], [torch.zeros(0)], []
    answers = _answers(image, phrases, finder)
    if phrases and not any(isinstance(answer, Detections | Grounding) for answer in answers):
        raise answers[-1]
    for number, found in enumerate(answers):
        if isinstance(found, Detections | Grounding):
            boxes.append(found.boxes)
            scores.append(found.scores)
            owners += [number] * len(found.boxes)
    image_hw = tuple(image.shape[1:])
    inside = clip_boxes(torch.cat(boxes), image_hw)
    return Detections(inside, torch.cat(scores), tuple(phrases[number] for number in owners), image_hw), tuple(owners)


def keep_sure(found: Detections, least: float = LEAST_SCORE) -> tuple[int, ...]:
    """The rows that score at least so much.

    >>> found = Detections(torch.tensor([[0.0, 0, 4, 4], [4.0, 4, 8, 8]]), torch.tensor([0.9, 0.4]), ("a", "b"), (8, 8))
    >>> keep_sure(found)
    (0,)
    """
    return tuple((found.scores >= least).nonzero().flatten().tolist())


def keep_distinct(found: Detections, rows: Sequence[int], overlap: float = MOST_OVERLAP) -> tuple[int, ...]:
    """Of these rows those that no surer one covers, whatever its phrase: NMS over all phrases at once.

    A thing that two phrases name keeps one of them.
    """
    if not rows:
        return ()
    index = list(rows)
    kept = nms(found.boxes[index], found.scores[index], overlap)
    return tuple(sorted(index[row] for row in kept.tolist()))


def make_sample(
    image: Float[Tensor, "3 h w"],
    caption: str,
    finder: Detector | Grounder,
    *,
    least: float = LEAST_SCORE,
    overlap: float = MOST_OVERLAP,
    chunker: str = "auto",
    id: int | None = None,
) -> Stages:
    """All stages for one picture with its caption.

    An expression inside another one that has boxes is left out of `ref_exps`, as in the paper.

    Args:
        image: RGB in [0, 1].
        caption: what is said of it.
        finder: a detector, or a grounder, asked for one chunk at a time.
        least: score that a box needs.
        overlap: IoU from which on the less sure of two boxes goes.
        chunker: see `noun_chunks`.
        id: of the row.
    """
    chunks = noun_chunks(caption, chunker)
    found, owners = find_chunks(image, [caption[start:end] for start, end in chunks], finder)
    kept = keep_sure(found, least)
    distinct = keep_distinct(found, kept, overlap)
    expressions, sample = expand_chunks(caption, chunks), None
    if distinct:
        whole = {expressions[owners[row]] for row in distinct}
        outer = [
            row for row in distinct if not any(_inside(expressions[owners[row]], expression) for expression in whole)
        ]
        spans = _spans(found, distinct, [chunks[owners[row]] for row in distinct])
        grown = _spans(found, outer, [expressions[owners[row]] for row in outer])
        sample = GritSample(caption, found.image_hw, spans, grown, id)
    return Stages(caption, chunks, found, owners, kept, distinct, expressions, sample)


def _answers(
    image: Float[Tensor, "3 h w"], phrases: Sequence[str], finder: Detector | Grounder
) -> list[Detections | Grounding | ValueError]:
    """What the finder says of each phrase, or why it cannot read it."""
    if hasattr(finder, "ground_all"):
        try:
            return finder.ground_all([image], [phrases])[0]
        except ValueError:
            pass  # one of them cannot be read: which one shows below
    answers: list[Detections | Grounding | ValueError] = []
    for phrase in phrases:
        try:
            found = finder.detect(image, [phrase]) if isinstance(finder, Detector) else finder.ground(image, phrase)
        except ValueError as error:
            found = error
        answers.append(found)
    return answers


def _spans(found: Detections, rows: Sequence[int], spans: Sequence[Span]) -> GritSpans:
    boxes_unit = Frame.of_image(found.image_hw).unit().from_pixels(found.boxes[list(rows)].double()).clamp(0, 1)
    return GritSpans(tuple(spans), boxes_unit, found.scores[list(rows)].double().clamp(0, 1))


def _inside(span: Span, other: Span) -> bool:
    return span != other and other[0] <= span[0] and span[1] <= other[1]


def _words(text: str) -> Words:
    """The words of a text; a sign that is no part of one counts as a space."""
    return split_words(re.sub(r"[^\w\s,.;:!?'\u2019-]|_", " ", text))


def _relates(between: str) -> bool:
    """Whether the words between two chunks are relations and nothing else."""
    words, at = _words(between).words, 0
    while at < len(words):
        lengths = [phrase.length for phrase in match(words, at) if phrase.kind in ("REL", "PLACE")]
        if not lengths:
            return False
        at += max(lengths)
    return bool(words)
