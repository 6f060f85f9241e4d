"""The assistant: a picture and a question in, an answer with its evidence out.

It has no knowledge of its own. A question is read (`asking`), the models are asked (`view`), functions out of the
lessons do the rest (`parts`), and the answer must show its evidence (`grounded_answers`) or it is none.
"""

import os
from collections.abc import Callable

import torch
from jaxtyping import Shaped
from torch import Tensor

from gk_utils.assistant.asking import can_be_asked, read_question
from gk_utils.assistant.counting_answers import compare_answer, count_answer
from gk_utils.assistant.drafting import Draft
from gk_utils.assistant.finding_answers import find_answer
from gk_utils.assistant.grounded_answers import Answer
from gk_utils.assistant.parts import Parts
from gk_utils.assistant.relation_answers import relate_answer, verify_answer
from gk_utils.assistant.telling import describe_answer, region_answer
from gk_utils.assistant.view import Models, View
from gk_utils.grounded_sam.phrase_by_phrase import PhraseByPhrase
from gk_utils.grounded_sam.pipeline import GroundedSam
from gk_utils.models.trunk_grounder import load_grounder
from gk_utils.segment_anything.mini_sam import load_mini as load_segmenter

ANSWERS: dict[str, Callable[[Draft], Answer]] = {
    **dict.fromkeys(("locate", "segment", "ordinal", "absent"), find_answer),
    **{"count": count_answer, "compare": compare_answer, "relate": relate_answer, "verify": verify_answer},
    **{"region": region_answer, "describe": describe_answer},
}


class Assistant:
    """Answers questions about pictures. Several questions about one picture share what was seen: `look`, then `ask`.

    Attributes:
        models: what sees; parts: the functions it is composed of.
    """

    def __init__(self, models: Models, parts: Parts) -> None:
        self.models, self.parts = models, parts

    def look(self, image: Shaped[Tensor, "3 h w"]) -> View:
        """A picture, RGB, uint8 or floats in [0, 1], ready for questions.

        Raises:
            ValueError: a picture without pixels.
        """
        if not image.shape[1] or not image.shape[2]:
            raise ValueError(f"image: expected pixels, got {image.shape[1]} x {image.shape[2]}. Check how it was cut.")
        return View(self.models, image.float() if image.is_floating_point() else image.float() / 255)

    @torch.no_grad()
    def ask(self, picture: View | Shaped[Tensor, "3 h w"], question: str) -> Answer:
        """The answer to a question about a picture, or about a view that was opened before.

        A question that cannot be read gets an answer too: it says what can be asked.

        Raises:
            ValueError: a picture without pixels, or a question without words.
        """
        if not question.strip():
            raise ValueError(f"question: expected words, got none. Ask, for instance:\n{can_be_asked()}")
        view = picture if isinstance(picture, View) else self.look(picture)
        request = read_question(question)
        draft = Draft(view, self.parts.at_work(), question, request)
        if request.kind == "unread":
            return draft.answer(
                f"I cannot read that question. I can be asked, for instance:\n{can_be_asked()}", "unknown"
            )
        return ANSWERS[request.kind](draft)


def load_assistant(
    parts: Parts, checkpoint: str | os.PathLike | None = None, device: str | torch.device = "cpu"
) -> Assistant:
    """The assistant around the mini models that the course ships; `checkpoint` is the folder of another trunk.

    Without a captioner that fits the trunk, descriptions are made of what was seen alone.

    Raises:
        FileNotFoundError, ValueError: no checkpoint, or one that is damaged or of something else.
    """
    from gk_utils.kosmos2.kosmos_pictures import load_mini as load_captioner

    grounder, card = load_grounder(checkpoint, device)
    segmenter, cut_by = load_segmenter(device=device)
    names = [card.recipe, cut_by.recipe]
    captioner = None
    if checkpoint is None:
        try:
            captioner, told_by = load_captioner(device=device)
            names.append(told_by.recipe)
        except FileNotFoundError:
            captioner = None
    pipeline = GroundedSam(PhraseByPhrase(grounder), segmenter, device=device)
    return Assistant(Models(grounder, pipeline, captioner, " + ".join(names)), parts)
