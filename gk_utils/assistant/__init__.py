"""The grounded assistant: questions about a picture, answered with boxes, masks, counts and relations, or "none".

`asking` reads a question, `sight` sees the things of a picture, `view` holds what is known of one picture and asks
models for more. `finding_answers` (locate, segment, ordinal, absent), `counting_answers` (count, compare),
`relation_answers` (relate, verify) and `telling` (describe, region) answer, with functions out of the lessons as
`parts` names them; `grounded_answers` is what they return, `assistant` puts it together. `exam_questions` draws
questions with their truth, `exam` keeps the frozen ones, `marking` holds an answer and its evidence against the scene.
Notebook: 17.
"""

from gk_utils.assistant.assistant import Assistant, load_assistant
from gk_utils.assistant.grounded_answers import Answer
from gk_utils.assistant.parts import Parts

__all__ = ["Answer", "Assistant", "Parts", "load_assistant"]
