"""Things for the tests of spatial relations: boxes for hypothesis, and scenes of two or three things by hand."""

from hypothesis import strategies as st

from gk_utils.spatial_relations.thing import Thing

IMAGE_HW = (120, 200)
_whole = st.integers(0, 40)


@st.composite
def box_numbers(draw) -> tuple[float, float, float, float]:
    """A box in whole pixels, sometimes without width or height; many share an edge."""
    x, y, width, height = (draw(_whole) for _ in range(4))
    return float(x), float(y), float(x + width), float(y + height)


box_pairs = st.tuples(box_numbers(), box_numbers())


def some_thing(box, name="mug", image_hw=IMAGE_HW, **known) -> Thing:
    return Thing(name, tuple(float(value) for value in box), image_hw, **known)


def two(first, second, **known) -> tuple[Thing, Thing]:
    """A cup and a plate with these boxes."""
    return some_thing(first, "cup", **known), some_thing(second, "plate", **known)


def unit(box, name="cup", image_hw=(100, 100), **known) -> Thing:
    """A thing whose box is given in fractions of the picture."""
    height, width = image_hw
    x1, y1, x2, y2 = box
    return some_thing((x1 * width, y1 * height, x2 * width, y2 * height), name, image_hw, **known)
