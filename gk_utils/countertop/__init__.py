"""The countertop: a synthetic world of things on a kitchen counter, whose every fact is known.

`things` says which things there are, `scene` draws what stands where from a seed (`placement` finds the places), and
`render` paints it with masks and boxes: `shapes` and `animals` are the recipes for the `brush`, `background` the rest.
"""
