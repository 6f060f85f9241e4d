"""The labs: pictures that answer when they are touched, each a pure function with one shared canvas on top.

`canvas.py` is the widget (pointer, touch, keyboard, screen reader; a static picture where nothing runs), with a box to
drag; `click_canvas.py` takes points on an object and beside it, `place_canvas.py` moves several boxes as a whole, and
`scribble_canvas.py` takes strokes of a free hand.
`panel.py` is the column that holds a lab's controls: it gives them names, states and keys that the page leaves out.
`boxes.py` is the lab of lesson 01: drag a box and read how well it fits.
`expressions.py` is the lab of lesson 00: choose an expression, see the score map and what came close; `explanations.py`
works that out, and `score_maps.py` draws it.
`box_tokens.py` is the lab of lesson 03: drag a box and see what its tokens give back; `token_readings.py` works it out,
and `magnifier.py` draws it large.
`roi_align.py` is the lab of lesson 06: move a box over a feature map and see what is read; `roi_readings.py` works it
out.
`photograph.py` is the lab of lesson 09: choose or upload a picture, write phrases, and see boxes, masks and a caption.
`caption_order.py` is the lab of lesson 11: write two captions that differ in order and see which one each model takes;
`caption_readings.py` works it out and draws it.
`talking.py` is the lab of lesson 13: point, ask, and see the answer drawn and the talk as it is written;
`talk_turns.py` works it out.
`count_lab.py` is the lab of lesson 16: move the threshold of a counter by boxes, read a density in a part of a picture,
or paint one; `count_readings.py` works it out.
"""
