"""Spatial relations: what "left of", "on" and "behind" mean, when they can be decided, and whether a statement is true.

Things: `thing` is what is known of one object, `arrangement` a list of them with what is known beforehand, `observed`
makes arrangements of countertop scenes and of detections.

Predicates: `projective` (left, above, in front; frames of reference), `topological` (inside, touching), `proximity`
(near), `support` (on), `orientation` (facing, between), `comparative` (larger, the leftmost), `picture_places` (on the
left); `predicates` has all by name. They measure with `extents` (boxes) and `contact` (masks, depths), and answer with
a `verdict`: true, false or undecided, with a margin.

Statements: `statement` is the logical form, `lexicon` the relations and their wordings. `verifier` holds a form against
an arrangement, by way of `references` (what phrases name), `quantify`, `qualities` (names and adjectives) and `manners`
(adverbs); `finding` is what comes out, `evidence` draws it. `substring_verifier` is the baseline that loses.
"""
