"""Grounded conversation: what a model says about a picture, and how much of it is there.

`polls.py` asks yes-or-no questions about things that are there and things that are not (POPE); `chair.py` looks for
things in captions that are not in the picture (CHAIR).
"""
