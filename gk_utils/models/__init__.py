"""The course's own models.

`trunk` grounds expressions and is what the heads of later lessons sit on; `trunk_recipe` says how it is trained, and
`trunk_grounder` makes a grounder of it.
"""
