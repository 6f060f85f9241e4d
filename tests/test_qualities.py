from some_things import some_thing

from gk_utils.spatial_relations.qualities import is_called, is_like, same


class TestIsCalled:
    def test_names_kinds_and_anything(self):
        """S6: a cup is no cupboard, and a cupboard no cup."""
        cupboard = some_thing((0, 0, 4, 4), "cupboard")
        assert [is_called(cupboard, noun) for noun in ("cupboard", "cup", "thing")] == [True, False, True]
        assert is_called(some_thing((0, 0, 4, 4), "cat"), "animal")
        assert not is_called(some_thing((0, 0, 4, 4), "cat"), "fruit")


class TestIsLike:
    def test_undecided_where_nothing_is_known(self):
        bare = some_thing((0, 0, 4, 4))
        assert [is_like(bare, word).truth for word in ("red", "small", "lit", "shiny")] == [None] * 4
        cat = some_thing((0, 0, 4, 4), "cat", attributes={"state": "sleeping", "colour": "grey", "size": "small"})
        assert [is_like(cat, word).truth for word in ("asleep", "awake", "singing")] == [True, False, False]
        assert [is_like(cat, word).truth for word in ("gray", "tiny", "large", "striped")] == [True, True, False, None]

    def test_which_side_a_part_is_on(self):
        mug = some_thing((0, 0, 4, 4), attributes={"handle": "left"})
        assert [is_like(mug, word).truth for word in ("handle left", "handle right", "spout left")] == [
            True,
            False,
            False,
        ]


class TestSame:
    def test_aspects(self):
        a, b = (some_thing((0, 0, 4, 4), attributes={"colour": "red", "state": None}) for _ in range(2))
        assert same(a, b, "colour").truth
        assert same(a, b, "state").truth
        assert same(a, b, "type").truth
        assert same(a, b, "direction").truth is None
        assert same(a, b, "size").reason == "needs the size of the mug"
