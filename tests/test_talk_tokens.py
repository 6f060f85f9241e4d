import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from some_talk import some_views

from gk_utils.contrastive.balanced_probes import relation_probe
from gk_utils.shikra.talk import Conversation, say
from gk_utils.shikra.talk_tasks import TASKS, draw_task
from gk_utils.shikra.talk_tokens import DIGITS, PIECES, TalkTokens, number_like, talk_words, waves

TOKENS = TalkTokens()


class TestTalkTokens:
    def test_names_are_unlike(self):
        assert len(set(TOKENS.names)) == len(TOKENS)

    @pytest.mark.parametrize("task", TASKS)
    def test_what_is_said_comes_back(self, task):
        for seed, view in enumerate(some_views()):
            for exchange in draw_task(view, task, np.random.default_rng(seed)):
                for said in (exchange.question, exchange.answer):
                    assert TOKENS.decode(TOKENS.encode(said.text)) == said.text

    def test_knows_the_words_of_the_probes(self):
        for item in relation_probe(8).items:
            for text in item.texts:
                assert TOKENS.decode(TOKENS.encode(text)).lower() == text

    @given(st.floats(0, 1), st.floats(0, 1))
    def test_every_coordinate_comes_back(self, x, y):
        text = say("user", ["What is at ", ((x, y),), "?"]).text
        ids = TOKENS.encode(text)
        assert TOKENS.decode(ids) == text
        assert int(TOKENS.is_piece(torch.tensor(ids)).sum()) == 2

    @settings(max_examples=50)
    @given(st.lists(st.integers(0, len(TOKENS) - 1), max_size=30))
    def test_any_tokens_are_a_text_that_can_be_said_again(self, ids):
        assert isinstance(TOKENS.encode(TOKENS.decode(ids)), list)

    def test_an_unknown_word_is_named(self):
        with pytest.raises(ValueError, match="expected words of the countertop, got 'zebra'"):
            TOKENS.encode("Where is the zebra?")

    def test_turns(self):
        talk = Conversation((say("user", ["Where is it?"]), say("assistant", ["There."])))
        ids = TOKENS.encode_talk(talk)
        assert ids[0] == TOKENS.start
        assert ids[-1] == TOKENS.end
        assert ids.count(TOKENS.user) == 1
        open_turn = TOKENS.encode_talk(Conversation(talk.utterances[:1]), open_turn=True)
        assert ids[: len(open_turn)] == open_turn
        assert TOKENS.read_answer(ids[len(open_turn) :]).text == "There."

    def test_its_words(self):
        assert list(talk_words()) == sorted(set(talk_words()))
        assert not set(talk_words()) & set(DIGITS)


class TestNumbers:
    def test_near_numbers_are_alike(self):
        first, near, far = waves(torch.tensor([0.30, 0.31, 0.70]))
        assert first @ near > first @ far
        assert torch.allclose(first @ first, torch.tensor(6.0))

    def test_embeddings_begin_number_like(self):
        found = number_like(TOKENS, 64, torch.Generator().manual_seed(0))
        assert found.shape == (len(PIECES), 64)
        cosine = torch.nn.functional.cosine_similarity
        assert cosine(found[30], found[31], 0) > 0.7 > cosine(found[30], found[70], 0)
