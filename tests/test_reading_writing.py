from some_talk import some_views, tiny_talker

from gk_utils.shikra.reading_writing import ask_both_ways, named_alone


class TestAskBothWays:
    def test_same_things_both_ways(self):
        both = ask_both_ways(tiny_talker(), 4)
        assert len(both.named) == len(both.found) == len(both.iou) == len(both.picture) >= 2
        assert both.found.equal(both.iou >= 0.5)

    def test_another_picture_is_the_control(self):
        talker, shown = tiny_talker(), []
        answer = talker.answer
        talker.answer = lambda look, rows, *rest, **more: shown.append(list(rows)) or answer(look, rows, *rest, **more)
        plain, other = ask_both_ways(talker, 4), ask_both_ways(talker, 4, shift=1)
        assert other.picture.equal(plain.picture)  # of the thing that was asked for
        assert shown[0] == plain.picture.tolist()
        assert shown[2] == shown[3] == [(row + 1) % 4 for row in shown[0]]


class TestNamedAlone:
    def test_no_twin(self):
        for view in some_views():
            alone = named_alone(view)
            looks = [(thing.colour, thing.category) for thing in view.scene.things]
            assert alone == [index for index in view.seen if looks.count(looks[index]) == 1]
