"""The grammar of statements over pieces (see `statement_scanner`), for lark's LALR(1) parser.

Attachment: where a phrase may belong to more than one noun, it belongs to the nearest ("the mug on the plate near the
bowl": the plate is near the bowl), and where an "and" may go on with more than one thing, it goes on with the nearest.
In the parser both are the rule that reading on goes before finishing. One token of look-ahead decides everything, so
the time is linear.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

from gk_utils.spatial_relations.statement_scanner import Piece

TERMINALS = {  # terminal: what it is, for people
    "NP": "a noun phrase",
    "IT": "a pronoun",
    "EACH": "'each other'",
    "BE": "'is' or 'are'",
    "SEEN": "'can be seen'",
    "NOT": "'not'",
    "DONT": "'does not'",
    "VERB": "a verb such as 'contains'",
    "VERB0": "a verb such as 'faces left'",
    "PVERB": "a verb such as 'stands'",
    "REL": "a relation",
    "PLACE": "a place in the picture",
    "CLOSER": "'closer to'",
    "PART": "a word such as 'standing'",
    "SAMEAS": "'the same ... as'",
    "SAME": "'the same ...'",
    "RANKED": "a rank such as 'leftmost'",
    "FROMSIDE": "'from the left'",
    "SUPER": "'nearest to'",
    "STATE": "a state",
    "WITHOUT": "'without'",
    "WHO": "'that'",
    "THERE": "'there'",
    "MORE": "'more'",
    "THAN": "'than'",
    "AS": "'as'",
    "TO": "'to'",
    "FROM": "'from'",
    "POV": "a point of view",
    "VIEWER": "'in the picture'",
    "FALSE": "'it is not true that'",
    "NEITHER": "'neither'",
    "COUNTOF": "'the number of'",
    "AS_PART": "'as a part'",
    "POSS": "an owner",
    "ADJS": "an adjective",
    "S_JOIN": "'and'",
    "N_JOIN": "'and'",
    "SUBJECT_JOIN": "'and'",
    "P_JOIN": "'and'",
    "V_JOIN": "'and'",
    "R_JOIN": "'and'",
}

GRAMMAR = f"""
%declare {" ".join(TERMINALS)}

statement: sentence                             -> begin_statements
    | statement S_JOIN sentence                 -> more_statements
sentence: clause                                -> pass_on
    | frame clause                              -> frame_first
    | clause frame                              -> frame_last
frame: VIEWER                                   -> viewer
    | POV term                                  -> viewpoint

clause: subject verbs                           -> claim
    | NOT subject verbs                         -> not_claim
    | NEITHER term verbs                        -> neither
    | subject SEEN                              -> seen
    | subject BE VIEWER                         -> seen
    | subject BE NOT VIEWER                     -> not_seen
    | subject SEEN where                        -> seen_where
    | THERE BE term                             -> exists
    | THERE SEEN term                           -> exists
    | THERE BE NOT term                         -> exists_not
    | wheres THERE BE term                      -> where_exists
    | wheres BE term                            -> inverted
    | THERE BE MORE noun THAN noun              -> compare
    | THERE BE MORE noun AS noun                -> compare
    | THERE BE MORE noun N_JOIN noun            -> compare
    | COUNTOF noun BE noun                      -> number_is
    | FALSE clause                              -> is_false

wheres: where                                   -> begin_posts
    | wheres P_JOIN where                       -> joined_posts
subject: term                                   -> pass_on
    | subject SUBJECT_JOIN term                 -> group
term: noun                                      -> pass_on
    | term N_JOIN noun                          -> group
noun: core                                      -> noun
    | core posts                                -> noun_with
core: NP                                        -> noun_phrase
    | IT                                        -> it
    | core POSS NP                              -> owned

posts: post                                     -> begin_posts
    | posts post                                -> more_posts
    | posts P_JOIN post                         -> joined_posts
post: where                                     -> post
    | NOT where                                 -> not_post
    | WHO verbs                                 -> relative
    | rank                                      -> pass_on
    | FROMSIDE                                  -> from_side
    | TO term                                   -> to_or_from
    | FROM term                                 -> to_or_from
rank: RANKED                                    -> ranked
    | SUPER term                                -> superlative

verbs: verb                                     -> begin_verbs
    | verbs P_JOIN where_or_not                 -> more_verbs
    | verbs V_JOIN verb                         -> more_verbs
    | verbs V_JOIN told                         -> more_verbs
where_or_not: where                             -> positive
    | NOT where                                 -> negative
told: ADJS                                      -> how
    | NOT ADJS                                  -> not_how
    | term                                      -> what
verb: BE ADJS                                   -> be_how
    | BE NOT ADJS                               -> be_not_how
    | BE term                                   -> be_what
    | BE NOT term                               -> be_not_what
    | BE where                                  -> be
    | BE NOT where                              -> be_not
    | BE rank                                   -> be_rank
    | BE NOT rank                               -> be_not_rank
    | BE FROMSIDE                               -> be_from_side
    | VERB term                                 -> does
    | VERB EACH                                 -> does
    | VERB same                                 -> has_same
    | VERB term AS_PART                         -> has_part
    | DONT VERB term                            -> does_not
    | DONT VERB EACH                            -> does_not
    | DONT VERB same                            -> has_not_same
    | VERB0                                     -> does_alone
    | DONT VERB0                                -> does_not_alone
    | PVERB                                     -> posture
    | PVERB where                               -> posture
    | DONT PVERB                                -> not_posture
    | DONT PVERB where                          -> not_posture

where: relations term                           -> related
    | relations EACH                            -> related
    | relations                                 -> related_alone
    | PLACE                                     -> place
    | PART                                      -> part
    | PART relations term                       -> part_related
    | PART PLACE                                -> part_place
    | same                                      -> pass_on
    | STATE                                     -> state
    | WITHOUT term                              -> without
    | CLOSER term THAN term                     -> closer
    | CLOSER term THAN TO term                  -> closer_to
same: SAMEAS term                               -> same_as
    | SAME                                      -> same_alone
relations: REL                                  -> begin_relations
    | relations R_JOIN REL                      -> more_relations
"""


@functools.cache
def parser() -> Any:
    """The lark parser; it takes a sequence of pieces and starts at "statement" or "noun".

    Raises:
        ModuleNotFoundError: lark is not installed; says how to install it.
    """
    try:
        import lark
        from lark.lexer import Lexer
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("Statements are read with lark: pip install lark.", name="lark") from error
    from gk_utils.spatial_relations.form_builder import FormBuilder

    class Pieces(Lexer):
        """A lexer that hands on what `statement_scanner` made."""

        def __init__(self, conf: Any):
            pass

        def lex(self, data: Sequence[Piece]) -> Iterator[Piece]:
            return iter(data)

    return lark.Lark(
        GRAMMAR, parser="lalr", lexer=Pieces, start=["statement", "noun"], transformer=FormBuilder(), cache=False
    )
