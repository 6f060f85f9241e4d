"""Kosmos-2 (lesson 12): text whose phrases link to boxes, the data it is learned from, and a mini model that writes it.

`grounded_text` is hyperlink text as a value, `article_format` the form that an article gives it and five faults of its
reader. `alt_texts` are captions as on the web; `grit_stages` makes training data of them and a detector, `grit_audit`
holds each stage against the scene, `taught_by` trains the same pupil on what two detectors found. `kosmos_model` is the
mini model, `kosmos_pictures` takes it to pictures of any size (`load_mini`), `kosmos_samples` and `kosmos_recipe` are
how it learns, `hyperlink_grammar` is what it may write. `phrase_meaning`, `caption_scores` and `caption_truth` judge
what it says: phrases, boxes, sentences; `caption_pictures` draws it, and covers what it points at.
"""
