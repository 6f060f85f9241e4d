"""The countertop: a synthetic world of things on a kitchen counter, whose every fact is known.

The pictures: `things` says which things there are, `scene` draws what stands where from a seed (`placement` finds the
places), and `render` paints it with masks and boxes: `shapes` and `animals` are the recipes for the `brush`,
`background` the rest. `thing_rows` hands a scene's things to it as numbers. `fused_render` is its way on a GPU, with
kernels that `tracing` writes from the recipes.

The words: `programs` are what expressions mean, `wording` puts them into words, and `language` draws expressions that
are worth asking. `captions`, `questions` (statements too) and `dialogues` say more, with phrases from `naming`.

The data: `dataset` draws an endless stream to train on and makes the frozen splits, `splits` reads them, `exports` and
`sentence_exports` write them in the formats of the real datasets.
"""
