import torch

from gk_utils.shikra.talk_embedding import TalkEmbedding, bracket_numbers
from gk_utils.shikra.talk_tokens import TalkTokens

TOKENS = TalkTokens()
BOX, POINT = "[0.123,0.456,0.789,1.000]", "[0.250,0.500]"


def turn(question: str, answer: str = "") -> list[int]:
    return [TOKENS.start, TOKENS.user, *TOKENS.encode(question), TOKENS.assistant, *TOKENS.encode(answer)]


class TestBracketNumbers:
    def test_known(self):
        numbers, closes = bracket_numbers(torch.tensor([turn(f"describe {BOX} and {POINT}")]), TOKENS)
        expected = torch.tensor([[0.123, 0.456, 0.789, 1.0], [0.25, 0.5, 0.25, 0.5]])
        torch.testing.assert_close(numbers[closes], expected)

    def test_answers_have_none(self):
        assert not bracket_numbers(torch.tensor([turn("where is it?", f"it is at {BOX}.")]), TOKENS)[1].any()

    def test_a_question_after_an_answer_has_one(self):
        ids = turn("where is it?", f"it is at {BOX}.") + turn(f"what is in {BOX}?")[1:]
        assert int(bracket_numbers(torch.tensor([ids]), TOKENS)[1].sum()) == 1

    def test_nothing_to_close(self):
        assert not bracket_numbers(torch.tensor([turn("what is ] it?")]), TOKENS)[1].any()
        assert not bracket_numbers(torch.tensor([[TOKENS.start]]), TOKENS)[1].any()


class TestTalkEmbedding:
    def test_only_the_closing_bracket_differs(self):
        embedding, ids = TalkEmbedding(TOKENS, 16), torch.tensor([turn(f"what is in {BOX}?")])
        plain = torch.nn.functional.embedding(ids, embedding.weight)
        differs = (embedding(ids) - plain).abs().sum(-1) > 0
        assert differs.equal(ids == TOKENS.close)

    def test_a_token_alone_is_plain(self):
        embedding = TalkEmbedding(TOKENS, 16)
        assert embedding(torch.tensor([[TOKENS.close]])).equal(embedding.weight[TOKENS.close][None, None])

    def test_what_comes_later_changes_nothing(self):
        embedding, ids = TalkEmbedding(TOKENS, 16), torch.tensor([turn(f"what is in {BOX}?", "a mug.")])
        torch.testing.assert_close(embedding(ids)[:, :20], embedding(ids[:, :20]))
