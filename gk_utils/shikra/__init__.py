"""Shikra: one model that finds, describes, names, counts and judges, and says and reads places as words.

- `talk`: a conversation as a value, with the exact place of every bracket of coordinates; writing and reading.
- `talk_tokens`, `talk_embedding`: words and numbers as tokens, and how a bracket is read.
- `talk_views`, `talk_tasks`: what a picture lets one ask, and every task with its true answers.
- `surest_patches`, `guided_attention`, `shikra_recipe`: what the decoder gets of a picture, and how it is trained.
- `shikra_chat`: the model to talk to. `truth_scorer`: the model as a judge of captions (lesson 11's probes).
- `expression_reader`, `bracket_check`, `talk_measure`, `reading_writing`, `looked_at`: expressions and captions held
  against the scene, and what is measured: right answers, both directions, where the decoder looks.
- `published_slips`: two slips of the published code, and their mending.

Notebook: 13.
"""

from gk_utils.shikra.expression_reader import read_expression, singles_out
from gk_utils.shikra.shikra_chat import Chat, Talker, load_mini
from gk_utils.shikra.talk import Conversation, Mark, Utterance, read, read_conversation, say, spell
from gk_utils.shikra.truth_scorer import TruthScorer

__all__ = [
    "Chat",
    "Conversation",
    "Mark",
    "Talker",
    "TruthScorer",
    "Utterance",
    "load_mini",
    "read",
    "read_conversation",
    "read_expression",
    "say",
    "singles_out",
    "spell",
]
