"""Grounded conversation: what a model says about a picture, and how much of it is there.

Bootstrap: `picture_notes` is what a language model is told of a picture, `linked_talk` a talk whose words link to
boxes; `talk_grammar` writes talks offline and makes up a known part (`wrong_boxes`), `chat_endpoint` and `local_chat`
ask other language models. Verify: `witnesses` look at the picture, `testimony` is what each says to a claim,
`claim_filter` the verdict, `filter_scores` how good it is. Measure: `polls.py` asks yes-or-no questions about things
that are there and things that are not (POPE); `chair.py` looks for things in captions that are not in the picture
(CHAIR); `gcg_scores` and `cider` are the scores of grounded conversation generation.
"""
