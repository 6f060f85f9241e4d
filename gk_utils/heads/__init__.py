"""Three ways to say a box, on one trunk: A as location tokens, B as four regressed numbers, C as text.

    picture + expression --frozen trunk--> features of patches and words --head--> a box

`lookups` holds what every head is given, `recipe` trains each of them alike, `grounder` loads one and asks it. The
heads themselves are `box_tokens.token_head`, `heads.regression_head` and `text_coordinates.text_head`.

Notebooks: 03, 04, 05.
"""
