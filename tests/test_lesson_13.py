"""The exercises of lesson 13 are sound: right answers pass however they are written, mistakes fail by their name."""

from itertools import pairwise

import numpy as np
import torch
from exercise_tests import exercise_tests

from gk_utils.boxes import paired_iou
from gk_utils.classroom.exercises.shikra import EXERCISES
from gk_utils.countertop.scene import draw_scene
from gk_utils.shikra.shikra_chat import Chat
from gk_utils.shikra.talk import Conversation, read, say, spell
from gk_utils.shikra.talk_measure import boxes_of
from gk_utils.shikra.talk_tokens import TalkTokens


def bracket_by_chat(boxes, image_hw):
    class Sized:
        pass

    picture = Sized()
    picture.image_hw = image_hw
    return Chat.bracket(picture, torch.tensor(boxes, dtype=torch.double))


def bracket_in_numpy(boxes, image_hw):
    height, width = image_hw
    side = max(image_hw)
    shift = np.array([(side - width) // 2, (side - height) // 2])
    corners = np.array(boxes, float).reshape(-1, 2, 2) + shift
    rows = [",".join(format(number, ".3f") for number in row) for row in (corners / side).reshape(-1, 4)]
    return f"[{';'.join(rows)}]"


def learned_by_turns(turns):
    pairs, before = [], "<start>"
    for role, words in turns:
        said = [(f"{role.upper()}:", 0)] + [(word, int(role == "assistant")) for word in words]
        if role == "assistant":
            said.append(("<end>", 1))
        for token, counts in said:
            pairs.append((before, token, counts))
            before = token
    return pairs


def learned_by_search(turns):
    """Every token, then the rows between an ASSISTANT: and its <end>."""
    tokens = ["<start>"]
    for role, words in turns:
        tokens += [f"{role.upper()}:", *words] + ["<end>"] * (role == "assistant")
    inside, pairs = False, []
    for token, following in pairwise(tokens):
        inside = token == "ASSISTANT:" or (inside and token != "<end>")
        pairs.append([token, following, 1 if inside else 0])
    return pairs


def judge_by_package(answer, box):
    said = read("assistant", answer)
    if box is None:
        return said.text == "There is none."
    boxes, there = boxes_of([said])
    return bool(there[0] and paired_iou(boxes.double(), torch.tensor([box]).double())[0] >= 0.5 - 1e-6)


def judge_by_grid(answer, box):
    """The share of what either covers that both cover, on the cells between all their edges."""
    if box is None:
        return answer.strip() == "There is none."
    first = next((place for mark in read("assistant", answer).marks for place in mark.places if len(place) == 4), None)
    if first is None:
        return False
    xs, ys = (np.unique([first[k], first[k + 2], box[k], box[k + 2]]) for k in (0, 1))
    size = np.outer(np.diff(ys), np.diff(xs))

    def covers(one):
        middle_x, middle_y = (xs[1:] + xs[:-1]) / 2, (ys[1:] + ys[:-1]) / 2
        inside_x, inside_y = (one[0] < middle_x) & (middle_x < one[2]), (one[1] < middle_y) & (middle_y < one[3])
        return np.outer(inside_y, inside_x)

    both, either = covers(first) & covers(box), covers(first) | covers(box)
    return bool(size[both].sum() >= 0.5 * size[either].sum() - 1e-9)


def apart_by_indices(things, index, order):
    left, said = set(range(len(things))) - {index}, []
    for name in order:
        gone = {k for k in left if things[k][name] != things[index][name]}
        if gone:
            said.append(name)
            left -= gone
    return said if not left else None


def apart_again_and_again(things, index, order):
    """An attribute is said if it makes the list of those that fit shorter."""

    def fitting(names):
        return [thing for thing in things if all(thing[name] == things[index][name] for name in names)]

    said = []
    for name in order:
        if len(fitting([*said, name])) < len(fitting(said)):
            said.append(name)
    return said if len(fitting(said)) == 1 else None


RIGHT_ANSWERS = {
    "13.bracket": (bracket_by_chat, bracket_in_numpy),
    "13.learned": (learned_by_turns, learned_by_search),
    "13.judge": (judge_by_package, judge_by_grid),
    "13.tell_apart": (apart_by_indices, apart_again_and_again),
}
TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)


class TestLearned:
    def test_the_tokens_are_the_model_s(self):
        tokens = TalkTokens()
        said = [say("user", ["Where is the mug?"]), say("assistant", ["It is at ", ((0.1, 0.2, 0.3, 0.4),), "."])]
        turns = [(each.role, [tokens.names[number] for number in tokens.encode(each.text)]) for each in said]
        ids = tokens.encode_talk(Conversation(tuple(said)))
        pairs = learned_by_turns(turns)
        assert [tokens.names[number] for number in ids] == [pairs[0][0], *(pair[1] for pair in pairs)]


class TestTellApart:
    def test_what_it_says_singles_out_in_a_scene(self):
        names = ["category", "colour", "size", "pattern"]
        for seed in range(5):
            scene = draw_scene(seed)
            things = [{name: getattr(thing, name) for name in names} for thing in scene.things]
            for index in range(len(things)):
                said = apart_by_indices(things, index, names)
                look = {name: things[index][name] for name in said or []}
                assert said is None or scene.select(**look) == (index,)


class TestBracket:
    def test_it_is_spelled_as_the_package_spells(self):
        assert bracket_in_numpy([[12, 30, 48, 71]], (100, 100)) == spell(((0.12, 0.3, 0.48, 0.71),))
