"""Three ways to say a box on a frozen split: each head, the trunk it sits on, baselines that must lose and a control.

As in `rec`, an expression that means nothing is answered rightly by "none", which for every head is the trunk's word:
what is compared is the box alone. A box that cannot be read is wrong.
"""

import time
from typing import Any

import torch
from torch import Tensor

from gk_utils.countertop.dataset import read_split, rendered_batches
from gk_utils.errors import check_choice
from gk_utils.evaluate.language_only import language_only
from gk_utils.evaluate.measure import mean_interval
from gk_utils.evaluate.rec import BATCH, Answers, join_answers, measure
from gk_utils.heads.grounder import NAMES, HeadGrounder, load_head
from gk_utils.heads.lookups import Answered, look

TIMED = 20  # batches of one expression each, for milliseconds a box


def evaluate_head(
    name: str,
    *,
    split: str = "val",
    limit: int | None = None,
    device: str = "cpu",
    checkpoint: str | None = None,
) -> dict[str, Any]:
    """Measure a head on the first `limit` expressions of a split, as `python -m gk_utils evaluate NAME` prints it.

    Beside the metrics of `rec`: `readable`, the share of answers that are a box; `tokens_per_box`; and `ms_per_box`,
    the head's time for one expression alone, without the trunk's.

    Baselines: `trunk`, the box of the trunk's surest patch, which a head should come near to; `language_only`;
    `centre_box`, a square of 32 pixels in the middle; for a query the pooled head. The control, `other_picture`, is the
    head asked about the picture of another sample.

    Raises:
        ValueError: an unknown name or split, a limit below 1; FileNotFoundError, ValueError: no such checkpoint.
    """
    check_choice(name, NAMES, "name")
    if limit is not None and limit < 1:
        raise ValueError(f"limit: expected 1 or more, got {limit}. Leave it out for the whole split.")
    began = time.monotonic()
    samples = read_split(split)[:limit]
    heads = {name: load_head(checkpoint or name, device)}
    if name == "box_regression":
        heads["pooled"] = load_head("box_regression_pooled", device)
    grounder, card = heads[name]
    side = grounder.trunk.settings.image_side
    given: dict[str, list[Answers]] = {key: [] for key in (*heads, "trunk", "other_picture")}
    truth, answered = [], []
    for batch in rendered_batches(samples, BATCH, (side, side), device):
        texts, rows = [sample.text for sample in batch.samples], torch.arange(len(batch.samples), device=device)
        truth.append(batch.boxes.cpu() * 128 / side)
        with torch.no_grad():
            trunks = {each.trunk for each, _ in heads.values()}  # one, unless it was tuned: it looks once for all heads
            lookups = {trunk: look(trunk, batch.images, texts, rows) for trunk in trunks}
            boxes, none = grounder.trunk.answers(batch.images, texts, rows)
        for key, (each, _) in heads.items():
            found = each.head.answer(lookups[each.trunk], (side, side))
            given[key].append(_as_answers(found, lookups[each.trunk].none, side))
            if key == name:
                answered.append(found)
        given["trunk"].append(Answers(boxes.cpu() * 128 / side, none.cpu() > 0.5))
        found, seen = grounder.answers(batch.images, texts, rows.roll(len(rows) // 2))
        given["other_picture"].append(_as_answers(found, seen.none, side))
    boxes, never = torch.cat(truth), torch.zeros(len(samples), dtype=torch.bool)
    blind = {
        "language_only": Answers(128 * language_only().boxes_unit([sample.text for sample in samples]), never),
        "centre_box": Answers(torch.tensor([48.0, 48.0, 80.0, 80.0]).expand(len(samples), 4), never),
    }
    joined = {key: join_answers(parts) for key, parts in given.items()}
    metrics = measure(samples, boxes, joined.pop(name))
    picture = torch.tensor([sample.seed for sample in samples])
    for key, values in (
        ("readable", torch.cat([part.readable for part in answered])),
        ("tokens_per_box", torch.cat([part.tokens for part in answered])),
    ):
        metrics[key] = mean_interval(values.cpu(), picture)
    times = milliseconds(grounder, samples[0].text)
    metrics["ms_per_box"] = mean_interval(times, torch.arange(len(times)))
    return {
        "split": split,
        "n": len(samples),
        "checkpoint": card.recipe if checkpoint is None else str(checkpoint),
        "device": device,
        "metrics": metrics,
        "baselines": {key: measure(samples, boxes, answers) for key, answers in {**joined, **blind}.items()},
        "seconds": round(time.monotonic() - began, 1),
    }


@torch.no_grad()
def milliseconds(grounder: HeadGrounder, text: str) -> Tensor:
    """How long the head takes for one expression, TIMED times after two to warm up; the trunk's part is not counted."""
    side, device = grounder.trunk.settings.image_side, grounder.trunk.centres_unit.device
    image = torch.full((1, 3, side, side), 0.5, device=device)
    lookups = grounder.answers(image, [text], torch.zeros(1, dtype=torch.long, device=device))[1]
    times = []
    for _ in range(2 + TIMED):
        began = time.perf_counter()
        grounder.head.answer(lookups, (side, side)).boxes.cpu()  # to the CPU: waits for a GPU
        times.append(1000 * (time.perf_counter() - began))
    return torch.tensor(times[2:])


def _as_answers(found: Answered, none: Tensor, side: int) -> Answers:
    """In pixels of 128 x 128. What cannot be read is a box in no place, not a "none"."""
    boxes = found.boxes.cpu() * 128 / side * found.readable.cpu()[:, None]
    return Answers(boxes, none.cpu() > 0.5)
