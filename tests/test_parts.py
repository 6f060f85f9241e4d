"""The functions the assistant is composed of."""

import pytest

from gk_utils.assistant.parts import USED, Parts

REFERENCES = {name: lambda *_: "reference" for name in USED}


def parts(**mine):
    functions = {name: mine.get(name[3:], REFERENCES[name]) for name in USED}
    whose = {name: "yours" if name[3:] in mine else "reference" for name in USED}
    return Parts(functions, REFERENCES, whose)


class TestParts:
    def test_says_whose_were_at_work(self):
        work = parts(from_to=lambda *_: "mine").at_work()
        assert [work("10.from_to", [], 0, 0), work("09.overlap", [], [])] == ["mine", "reference"]
        assert work.whose == {"10.from_to": "yours", "09.overlap": "reference"}

    def test_one_that_stops_is_replaced_for_this_question(self):
        calls = []

        def stops(*arguments):
            calls.append(arguments)
            raise IndexError("nothing there")

        broken = parts(from_to=stops)
        work = broken.at_work()
        assert [work("10.from_to", 1), work("10.from_to", 2)] == ["reference"] * 2
        assert calls == [(1,)]  # once is enough
        assert work.whose == {"10.from_to": "reference"}
        assert work.notes == ["your 10.from_to stopped (nothing there): the reference went on"]
        assert broken.at_work().notes == []

    def test_what_a_learner_changes_is_nobody_elses(self):
        facts = [3, 1, 2]
        sorts = parts(conflicts=lambda found: found.sort() or found)
        assert sorts.at_work()("10.conflicts", facts) == [1, 2, 3]
        assert facts == [3, 1, 2]

    def test_an_answer_that_cannot_be_used(self):
        numbers = {**REFERENCES, "09.overlap": lambda *_: 1}
        mine = {**numbers, "09.overlap": lambda *_: "nearly all"}
        work = Parts(mine, numbers, dict.fromkeys(USED, "yours")).at_work()
        assert work("09.overlap", [], [], read=float) == 1.0
        assert work.whose == {"09.overlap": "reference"}
        assert "your 09.overlap stopped (could not convert string to float" in work.notes[0]

    def test_a_reference_that_stops_is_an_error(self):
        broken = {**REFERENCES, "09.overlap": [].pop}
        with pytest.raises(IndexError):
            Parts(broken, broken).at_work()("09.overlap")

    def test_all_are_needed(self):
        with pytest.raises(ValueError, match=r"functions: expected one for each .*got none for 00.thing_shares"):
            Parts({}, REFERENCES)
