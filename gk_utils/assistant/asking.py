"""Questions to requests: which of ten kinds a question is, and what it is about. Nobody looks at a picture here.

A question is held against the course's templates, one after the other; the phrases in it are not judged here. What fits
none is "unread", and gets an answer that says what can be asked.
"""

import re
from dataclasses import dataclass

from gk_utils.assistant.grounded_answers import KINDS
from gk_utils.errors import check_choice

EXAMPLES = {
    "locate": "Where is the red mug?",
    "segment": "Cut out the red mug.",
    "count": "How many mugs are there?",
    "compare": "Are there more mugs than plates?",
    "relate": "Is the cat in front of or behind the mug?",
    "absent": "Is there a green mug?",
    "region": "What is in <box>(120,300),(500,800)</box>?",
    "describe": "Describe the picture.",
    "verify": "Is it true that the mug is on the plate?",
    "ordinal": "What colour is the second mug from the left?",
}
ASPECTS = ("colour", "size", "pattern")
LINKS = (
    *("to the left of", "on the left side of", "left of", "to the right of", "on the right side of", "right of"),
    *("in front of", "in back of", "behind", "near", "next to", "close to", "beside", "by"),
    *("on top of", "on", "inside", "in", "under", "above", "below"),
)
_LINK = "|".join(LINKS)
_RANK = re.compile(r"\b(second|third|fourth|fifth|2nd|3rd|4th|5th|first|last|\w+most)\b", re.IGNORECASE)
# kind, pattern, and how the thing asked for comes out: the first that fits wins.
_TEMPLATES: tuple[tuple[str, str, str], ...] = (
    ("region", r"what(?:'s| is| do you see)? (?:in|at|inside) (?P<box>.*<box>.*)", ""),
    ("describe", r"(?:please )?(?:describe|caption) (?:the |this )?(?:picture|image|photo|scene|photograph)", ""),
    ("describe", r"what (?:do|can) you see|what (?:does|is in) the (?:picture|image|photo|scene)(?: show)?", ""),
    ("segment", r"(?:please )?(?:cut out|segment|outline|mask) (?P<a>.+)", ""),
    ("segment", r"which pixels (?:are|belong to|show) (?P<a>.+)", ""),
    ("compare", r"are there (?P<order>more|fewer|as many) (?P<a>.+?) (?:than|as) (?P<b>.+)", ""),
    ("compare", r"(?:which|what) are there more of[,:]? (?P<a>.+?) or (?P<b>.+)", "which"),
    ("count", rf"how many (?P<a>.+?) are (?P<rest>(?:{_LINK}) .+)", ""),
    ("count", r"how many (?P<a>.+?)(?: are there| do you see| can you see| are in the picture)?", ""),
    ("count", r"count (?P<a>.+)", ""),
    ("relate", r"is (?P<a>.+?) (?:to the |on the )?left or (?:to the |on the )?right of (?P<b>.+)", "sides"),
    ("relate", r"is (?P<a>.+?) (?:to the |on the )?left of or (?:to the |on the )?right of (?P<b>.+)", "sides"),
    ("relate", r"is (?P<a>.+?) in front of or behind (?P<b>.+)", "depth"),
    ("relate", r"where is (?P<a>.+?) (?:relative to|compared with|seen from) (?P<b>.+)", "both"),
    ("absent", r"(?:is|are) there (?:a|an|any|some) (?P<a>.+)", ""),
    ("absent", r"(?:do|can) you see (?:a|an|any|some) (?P<a>.+)", ""),
    ("verify", r"(?:is it true|check|verify)(?: that)?:? (?P<s>.+)", ""),
    ("verify", r"true or false[:,]? (?P<s>.+)", ""),
    ("verify", rf"is (?P<a>the .+?) (?P<link>{_LINK}) (?P<b>(?:the|a|an) .+)", ""),
    ("locate", r"(?:which|what) (?P<aspect>colour|color|size|pattern) (?:is|has) (?P<a>.+)", ""),
    ("locate", r"where (?:is|are) (?P<a>.+)", ""),
    ("locate", r"(?:please )?(?:find|show me|show|point at|point to|point out|locate) (?P<a>.+)", ""),
    ("locate", r"which (?:thing|one|object) is (?P<a>.+)", ""),
)


@dataclass(frozen=True)
class Request:
    """What a question asks for.

    Attributes:
        kind: one of KINDS.
        phrases: what it is about, as written: one for most kinds, two for compare and relate, none for describe.
        aspect: "colour", "size" or "pattern" if it asks what the thing is like; "sides", "depth", "both" for relate;
            "more", "fewer", "as many", "which" for compare.
        statement: what verify holds against the picture, a sentence.
        box_text: what region asks about, with its `<box>`.
    """

    kind: str
    phrases: tuple[str, ...] = ()
    aspect: str = ""
    statement: str = ""
    box_text: str = ""

    def __post_init__(self) -> None:
        check_choice(self.kind, KINDS, "kind")


def read_question(text: str) -> Request:
    """The request in a question, by the first template that fits; "unread" if none does.

    A sentence that states something is taken as a statement to verify.

    >>> read_question("How many red mugs are on the plate?")
    Request(kind='count', phrases=('red mugs that are on the plate',), aspect='', statement='', box_text='')
    >>> read_question("Is the cat in front of or behind the mug?").aspect
    'depth'
    >>> read_question("The mug is on the plate.").statement
    'The mug is on the plate'
    >>> read_question("Why is there a mug?").kind
    'unread'
    """
    plain = re.sub(r"\s+", " ", text).strip().rstrip("?!. ").strip()
    for kind, pattern, how in _TEMPLATES:
        found = re.fullmatch(pattern, plain, re.IGNORECASE)
        if found:
            return _request(kind, found.groupdict(), how)
    if re.match(
        r"(?:the|a|an|there|all|every|both|no|most|some|two|three|four) .*\b(?:is|are)\b", plain, re.IGNORECASE
    ):
        return Request("verify", statement=plain)
    return Request("unread")


def can_be_asked() -> str:
    """What the assistant can be asked: an example of each kind, a line each."""
    return "\n".join(f"{kind}: {example}" for kind, example in EXAMPLES.items())


def _request(kind: str, parts: dict[str, str | None], how: str) -> Request:
    if kind == "region":
        return Request(kind, box_text=parts["box"] or "")
    if kind == "verify":
        statement = parts.get("s") or f"{parts['a']} is {parts['link']} {parts['b']}"
        return Request(kind, statement=statement)
    phrases = tuple(parts[name].strip() for name in ("a", "b") if parts.get(name))
    if parts.get("rest"):
        phrases = (f"{phrases[0]} that are {parts['rest']}",)
    aspect = (parts.get("aspect") or parts.get("order") or how).lower()
    aspect = "colour" if aspect == "color" else aspect
    if kind == "locate" and _RANK.search(phrases[0]):
        kind = "ordinal"
    return Request(kind, phrases, aspect)
