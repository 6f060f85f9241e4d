"""One picture as the assistant knows it."""

import torch
from some_assistant import kitchen_view, painted, some_assistant

from gk_utils.assistant.view import ASKED, AskedArrangement
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.verdict import Verdict


def row(name):
    sight = kitchen_view().sight
    return next(row for row in range(len(sight)) if sight.name(row) == name)


class TestView:
    def test_words_it_has_never_seen(self):
        view = kitchen_view()
        assert view.strange("the red mug that is near an elephant") == ("elephant",)
        assert view.strange("two red mugs of the plates") == ("two",)
        assert view.strange("red mugs") == ()
        assert view.strange_noun("there are two red mugs and a laptop near it") == "laptop"
        assert view.strange_noun("the mug is on top of the plate") == ""

    def test_the_thing_of_a_box(self):
        view = kitchen_view()
        assert view.at(painted().boxes[0, 0]) == row("red mug")
        assert view.at(torch.tensor([0.0, 0, 5, 5])) is None

    def test_phrases_that_fit_one_thing(self):
        view = kitchen_view()
        assert view.call(row("white plate")) == "plate"
        assert view.call(row("blue mug")) == "blue mug"

    def test_the_grounder_decides_what_boxes_do_not(self):
        view = kitchen_view()
        assert view.relation("behind", row("green bottle"), row("red mug")).truth is True
        found = view.relation("in_front_of", row("green bottle"), row("red mug"))
        assert found.truth is False
        assert "finds none" in found.reason
        assert view.arrangement.relate("behind", row("green bottle"), row("red mug")).truth is True

    def test_relations_are_asked_together(self, monkeypatch):
        view = some_assistant().look(painted().images[0])
        calls, look_all = [], view.models.grounder.look_all
        monkeypatch.setattr(view.models.grounder, "look_all", lambda *given: calls.append(1) or look_all(*given))
        pair = (row("green bottle"), row("red mug"))
        view.ask_relations(["behind", "near"], [pair, pair[::-1]])
        assert view.relation("behind", *pair).truth is True
        assert view.relation("near", *pair[::-1]).truth is False
        assert len(calls) == 1

    def test_a_phrase_is_asked_once(self, monkeypatch):
        view = some_assistant().look(painted().images[0])
        calls, look_all = [], view.models.grounder.look_all
        monkeypatch.setattr(view.models.grounder, "look_all", lambda *given: calls.append(1) or look_all(*given))
        view.ask("the red mug", "the plate", "the red mug")
        view.ask("the plate")
        assert len(calls) == 1

    def test_fitting(self):
        view = kitchen_view()
        assert {view.sight.name(row) for row in view.fitting(view.read("mugs"))[0]} == {"red mug", "blue mug"}
        assert view.fitting(view.read("green mugs"))[0] == ()
        assert view.read("mug mug of of") is None

    def test_masks(self):
        (mask,) = kitchen_view().cut([[10.0, 20, 30, 40]])
        assert mask["size"] == [128, 128]
        assert kitchen_view().cut([]) == ()


class TestAskedArrangement:
    def test_asks_for_its_relations_alone_and_once(self):
        asked = []

        def decide(relation, first, second):
            asked.append((relation, first, second))
            return Verdict(True, 0.5, "said so")

        things = [Thing("mug", (x, 0, x + 4, 4), (9, 99)) for x in (0, 30)]
        arrangement = AskedArrangement(things, ask=decide)
        for _ in range(2):
            assert arrangement.relate("behind", 0, 1).reason == "said so"
            assert arrangement.relate("left_of", 0, 1).truth is True
        assert asked == [("behind", 0, 1)]
        assert "left_of" not in ASKED
