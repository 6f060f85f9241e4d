"""Where is it, cut it out, which one, is there one: answers about one thing, or that there is none.

Two witnesses: the grounder reads the phrase as a whole, the verifier takes it apart and holds it against the things
that were seen. Where they agree the answer is sure; where not, the answer says so.

The grounder says itself that there is none where "none" has half of the map. For an answer that is too late: asked for
a mug behind a toaster that has none behind it, it often points at a mug with a fifth of the map on "none", and hardly
ever where there is one. So a tenth of that half is enough (DOUBT).
"""

from dataclasses import dataclass, replace

import torch

from gk_utils.assistant.asking import ASPECTS
from gk_utils.assistant.drafting import Draft, count_words
from gk_utils.assistant.grounded_answers import Answer, Named
from gk_utils.assistant.view import View
from gk_utils.countertop.naming import with_article
from gk_utils.spatial_relations.statement import NounPhrase

CLOSE = 0.05  # share of the map from which another thing came close
DOUBT = 0.05  # share of "none" from which nothing is shown; chosen on scenes of exam.CHOSEN_ON, none of the exam


@dataclass(frozen=True)
class Found:
    """What a phrase names.

    Attributes:
        thing: the row of the view's `sight`; None: there is none, or what was found is no thing of `sight`.
        box: where the grounder points, xyxy in pixels; None where it says that there is none.
        none: the grounder's share of "there is none".
        note: where the two witnesses differ, or ""
    """

    thing: int | None
    box: tuple[float, float, float, float] | None
    none: float
    note: str = ""


def resolve(view: View, phrase: str) -> Found:
    """The one thing that a phrase names. The grounder decides, where it knows the words; the verifier is heard.

    What the grounder points at with a doubt of DOUBT or more is not taken. The verifier overrules it in one case: for
    "the fourth mug from the left" there have to be four.
    """
    if strange := view.strange(phrase):
        return Found(None, None, 1.0, f"{strange[0]!r} is no word of mine: I would not know one if I saw it")
    ((scores, grounding),) = view.ask(phrase.lower())
    box = None if grounding.absent or scores.none >= DOUBT else tuple(grounding.boxes[0].tolist())
    thing = None if box is None else view.at(grounding.boxes[0])
    if box is not None and (few := _too_few(view, phrase)):
        return Found(None, None, scores.none, few)
    return Found(thing, box, scores.none, _other_witness(view, phrase, thing, box is None))


def find_answer(draft: Draft) -> Answer:
    """Answers the kinds locate, segment, ordinal and absent."""
    view, request = draft.view, draft.request
    (phrase,) = request.phrases
    form = view.read(phrase)
    if form is not None and form.plural and not view.strange(phrase):
        return _several(draft, form)
    found, bare = resolve(view, phrase), bare_phrase(phrase)
    draft.notes += [found.note] if found.note else []
    if found.box is None:
        draft.notes.append(f"share of 'none': {found.none:.2f}")
        text = f"No, there is no {bare}." if request.kind == "absent" else f"There is none: no {bare}."
        return draft.answer(text, "none", [Named(phrase)])
    mask = view.cut([found.box])[0] if request.kind == "segment" else None
    if found.thing is None:
        row = draft.show_box("something there", found.box, mask, found=1 - found.none)
    else:
        row = draft.show(found.thing, mask)
        _show_rival(draft, phrase, found.thing)
    value, text = (
        ("yes", f"Yes: {with_article(draft.shown[row].name)}.")
        if request.kind == "absent"
        else ("here", f"Here: the {bare}.")
    )
    if request.aspect in ASPECTS:
        look = None if found.thing is None else view.sight.look(found.thing, request.aspect)
        value, text = look or "unknown", f"It is {look}." if look else f"I cannot tell its {request.aspect}."
    return draft.answer(text, value, [Named(phrase, (row,))])


def bare_phrase(phrase: str) -> str:
    """A phrase without its article.

    >>> bare_phrase("the red mug")
    'red mug'
    """
    first, _, rest = phrase.partition(" ")
    return rest if first.lower() in ("the", "a", "an") else phrase


def _other_witness(view: View, phrase: str, thing: int | None, absent: bool) -> str:
    """What the verifier says of the grounder's answer, where it differs."""
    form = view.read(phrase)
    if form is None:
        return "only the grounder could read the phrase"
    fits, finding = view.fitting(form)
    if absent:
        return f"by what was seen, {count_words(len(fits), 'thing')} would fit" if fits else ""
    if thing in fits:
        return f"{len(fits)} things fit, and the phrase does not say which" if len(fits) > 1 else ""
    if finding.truth is None:
        return f"the verifier cannot decide it: {finding.verdict.reason}"
    return "by what was seen it is another thing" if fits else "by what was seen nothing fits"


def _too_few(view: View, phrase: str) -> str:
    """What to say where a phrase picks by a rank that is higher than there are things; "" elsewhere."""
    form = view.read(phrase)
    if form is None or form.pick is None or form.pick.rank < 2:
        return ""
    plain = replace(form, pick=None)
    n = len(view.fitting(plain)[0]) + len(view.fitting(plain, view.doubtful.arrangement)[0])
    few = f"only {n} of them were seen, so there is no number {form.pick.rank}: the grounder points at one all the same"
    return few if n < form.pick.rank else ""


def _several(draft: Draft, form: NounPhrase) -> Answer:
    """A plural: all things that fit."""
    (phrase,), view = draft.request.phrases, draft.view
    things, _ = view.fitting(form)
    masks = view.cut([view.sight.boxes[row].tolist() for row in things]) if draft.request.kind == "segment" else ()
    rows = tuple(draft.show(row, masks[place] if masks else None) for place, row in enumerate(things))
    if not rows:
        return draft.answer(f"There are none: no {bare_phrase(phrase)}.", "none", [Named(phrase)])
    value = "yes" if draft.request.kind == "absent" else "here"
    text = f"{len(rows)} of them: {', '.join(draft.shown[row].name for row in rows)}."
    return draft.answer(text, value, [Named(phrase, rows)])


def _show_rival(draft: Draft, phrase: str, taken: int) -> None:
    """Note the share of the map that the thing got, and show the one that came closest, if one came close."""
    view = draft.view
    ((scores, _),) = view.ask(phrase.lower())
    side = max(view.image_hw)  # the map lies on the square that the picture was fitted into
    n = len(view.sight)
    shares = draft.work(
        *("00.thing_shares", scores.shares, view.sight.boxes, (side, side)),
        read=lambda found: torch.as_tensor(found).float().view(n).tolist(),
    )
    draft.show(taken, share=shares[taken])
    others = [row for row in range(len(shares)) if row != taken]
    rival = max(others, key=lambda row: shares[row], default=taken)
    if rival != taken and shares[rival] >= CLOSE:
        draft.show(rival, share=shares[rival])
        draft.notes.append(f"the {view.sight.name(rival)} came close, with {shares[rival]:.2f} of the map")
