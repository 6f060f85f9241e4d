"""From pieces to noun phrases: the grammar's callbacks for nouns and for which ones are meant.

Each callback takes the children of one rule and gives one `Node`. Names of methods are names of rules in `grammar`.
"""

from dataclasses import dataclass, replace
from typing import Any

from gk_utils.spatial_relations.diagnosis import Unreadable
from gk_utils.spatial_relations.form_nodes import Node, joined, node
from gk_utils.spatial_relations.noun_chunks import Chunk
from gk_utils.spatial_relations.statement import Group, Is, It, Not, NounPhrase, Pick, Predicate, Quantifier, Related


def noun_form(chunk: Chunk) -> NounPhrase:
    """The noun phrase that a core says, without what follows it."""
    quantifier_plural = chunk.kind in ("all", "most") or (chunk.number is not None and chunk.number != 1)
    singular = chunk.kind == "a" or (chunk.number == 1 and chunk.kind in ("count", "exactly"))
    plural = quantifier_plural or (bool(chunk.plural) and not singular)
    clauses: list[Predicate] = [Related(chunk.place)] if chunk.place else []
    if chunk.whose:
        clauses.append(Related("part_of", (It(),)))
    try:
        quantifier = chunk.quantifier(plural)
    except ValueError as error:
        raise Unreadable(chunk.span, "a number that things can be counted to", "Nothing is fewer than zero.") from error
    return NounPhrase(
        chunk.noun, quantifier, chunk.adjectives, plural, tuple(clauses), chunk.pick, chunk.other, chunk.span
    )


class NounBuilder:
    """Callbacks for terms."""

    def pass_on(self, children: list[Any]) -> Node:
        """Give the only child."""
        return children[0]

    # noun phrases

    def noun_phrase(self, children: list[Any]) -> Node:
        """Read "the red mug"."""
        return node(noun_form(children[0].value), children, 1, children[0].value)

    def it(self, children: list[Any]) -> Node:
        """Read "it"."""
        return node(It(), children)

    def owned(self, children: list[Any]) -> Node:
        """Read "the mug's handle"."""
        owner, _, piece = children
        form = noun_form(piece.value)
        form = replace(form, clauses=(Related("part_of", (owner.form,)), *form.clauses))
        return node(form, children, 1, piece.value)

    def noun(self, children: list[Any]) -> Node:
        """Give a noun phrase that nothing follows."""
        return children[0]

    def noun_with(self, children: list[Any]) -> Node:
        """Read "the mug on the plate", with all that follows the noun."""
        core, posts = children
        if type(core.form) is It:
            raise Unreadable((posts.start, posts.end), "a verb behind the pronoun")
        form, chunk = core.form, core.chunk
        clauses, pick = list(form.clauses), form.pick
        for word, post in posts.form:
            if isinstance(post, _Picks):
                pick = post.pick(pick, chunk.loose)
            elif word == "or":
                clauses.append(joined("or", [clauses.pop() if len(clauses) > len(form.clauses) else post, post]))
            else:
                clauses.append(post)
        built = node(replace(form, clauses=tuple(clauses), pick=pick), children, 1, chunk)
        built.form = replace(built.form, span=(built.start, built.end))
        built.alone = None if form.plural else built.alone
        return built

    def group(self, children: list[Any]) -> Node:
        """Read "the mug and the plate"."""
        first, join, second = children
        word = "and" if join.value == "nor" else join.value
        members = first.form.members if type(first.form) is Group else (first.form,)
        if type(first.form) is Group and first.form.joined != word:
            raise Unreadable((join.start_pos, join.end_pos), f"{first.form.joined!r} again", "Use one of them.")
        more = second.form.members if type(second.form) is Group else (second.form,)
        return node(Group((*members, *more), word), children)

    # what follows a noun

    def begin_posts(self, children: list[Any]) -> Node:
        """Begin a list of (joining word, what follows a noun)."""
        return node([("and", children[0].form)], children)

    def more_posts(self, children: list[Any]) -> Node:
        """Read one more: "on the plate near the bowl"."""
        children[0].form.append(("and", children[1].form))
        return node(children[0].form, children)

    def joined_posts(self, children: list[Any]) -> Node:
        """Read one more: "on the plate or near it"."""
        children[0].form.append((children[1].value, children[2].form))
        return node(children[0].form, children)

    def post(self, children: list[Any]) -> Node:
        """Give what follows a noun."""
        return children[0]

    def not_post(self, children: list[Any]) -> Node:
        """Read "not on the plate"."""
        return node(Not(children[1].form), children)

    def ranked(self, children: list[Any]) -> Node:
        """Read "second from the left"."""
        return node(_Picks(*children[0].value, None, children[0].start_pos), children)

    def superlative(self, children: list[Any]) -> Node:
        """Read "nearest to the plate"."""
        return node(_Picks(children[0].value, 1, children[1].form, children[1].end), children)

    def from_side(self, children: list[Any]) -> Node:
        """Read "from the left", behind "the second mug"."""
        piece = children[0]
        return node(_Picks(piece.value, None, None, piece.start_pos), children)

    def to_or_from(self, children: list[Any]) -> Node:
        """Read "to the plate", behind "the nearest mug"."""
        word = children[0]
        by = "nearest" if word.type == "TO" else "farthest"
        return node(_Picks(by, None, children[1].form, word.start_pos), children)


@dataclass(frozen=True)
class _Picks:
    """Which one, said behind the noun: an order and a rank; a rank of None goes on with that before the noun."""

    by: str
    rank: int | None
    landmark: Any = None
    place: int = 0

    def pick(self, before: Pick | None, loose: bool) -> Pick:
        """Together with the pick before the noun."""
        span = (self.place, self.place + 1)
        if self.rank is not None:
            if before is not None:
                raise Unreadable(span, "one way to say which", "Say it before or behind the noun, not both.")
            return Pick(self.by, self.rank, self.landmark)
        if self.landmark is None:
            if before is None or not loose:
                raise Unreadable(span, "'first', 'second' ... before the noun")
            return Pick(self.by, before.rank)
        if before is None or before.by != self.by or before.landmark is not None:
            raise Unreadable(span, "a relation that is known")
        return replace(before, landmark=self.landmark)


def ranked_form(picks: Any) -> Is:
    """What "is leftmost" says: that it is the leftmost one."""
    return Is(NounPhrase("one", Quantifier("the"), pick=Pick(picks.by, picks.rank or 1, picks.landmark)))
