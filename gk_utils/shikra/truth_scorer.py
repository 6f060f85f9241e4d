"""The dialogue model as a judge of captions: how much likelier "Yes" is than "No" when it is asked whether one is true.

A scorer as lesson 11's probes want it: pictures of scenes and captions in, one number for each pair out.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.shikra.shikra_chat import Talker
from gk_utils.shikra.surest_patches import join_looks
from gk_utils.shikra.talk import Conversation, Utterance
from gk_utils.shikra.talk_tasks import ask_for

BATCH = 64  # pictures painted at once


class TruthScorer:
    """Log-odds of "Yes" to "Is it true that CAPTION?"; works with `contrastive.measure_probe`."""

    def __init__(self, talker: Talker) -> None:
        self.talker = talker

    def __call__(self, scenes: Sequence[Scene], texts: Sequence[Sequence[str]]) -> Float[Tensor, "n k"]:
        """The scores, (n k): k captions for each of n scenes.

        Raises:
            ValueError: a caption with a word that the model does not know.
        """
        side = (self.talker.trunk.settings.image_side,) * 2
        unlike = {scene: number for number, scene in enumerate(dict.fromkeys(scenes))}
        order = list(unlike)
        parts = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
        look = join_looks([self.talker.look(render(part, side).images) for part in parts])
        pictures = [unlike[scene] for scene, row in zip(scenes, texts, strict=True) for _ in row]
        asked = [Conversation((question(text),)) for row in texts for text in row]
        odds = self.talker.log_odds(look, pictures, asked, ("Yes", "No"))
        return odds.view(len(scenes), -1)


def question(text: str) -> Utterance:
    """The question whether a caption is true."""
    text = text.strip().rstrip(".")
    return ask_for("truth", text[:1].lower() + text[1:])
