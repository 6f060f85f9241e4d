import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from gk_utils.heads.lookups import Lookups
from gk_utils.text_coordinates.parsing import parse_boxes
from gk_utils.text_coordinates.text_head import (
    END,
    LONGEST,
    PADDING,
    START,
    TOKENS,
    TextHead,
    decode_tokens,
    encode_texts,
    write_boxes,
)

BOXES = torch.tensor([[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0], [0.3, 0.3, 0.3, 0.9], [0.0, 0.0, 0.0, 0.0]])
TEXTS = ["<box>(100,200),(500,599)</box>", "<box>(0,0),(999,999)</box>", "<box>(300,300),(300,899)</box>"]


@pytest.fixture
def lookups() -> Lookups:
    features = torch.randn(4, 9 + 3, 16, generator=torch.Generator().manual_seed(0))
    words = torch.tensor([[True, True, True], [True, False, False], [True, True, False], [True, True, True]])
    return Lookups(features, words, BOXES, torch.tensor([True, True, True, False]), torch.zeros(4))


@pytest.fixture
def head() -> TextHead:
    torch.manual_seed(0)
    return TextHead(16, heads=2)


class TestWriteBoxes:
    def test_by_hand(self):
        assert write_boxes(BOXES[:3]) == TEXTS
        assert write_boxes(BOXES[:0]) == []

    @given(st.lists(st.tuples(*[st.integers(0, 999)] * 4), min_size=1, max_size=5))
    def test_read_back(self, corners: list[tuple[int, int, int, int]]):
        boxes = torch.tensor(corners, dtype=torch.float64)
        boxes = torch.cat([torch.minimum(boxes[:, :2], boxes[:, 2:]), torch.maximum(boxes[:, :2], boxes[:, 2:])], 1)
        for text, box in zip(write_boxes((boxes / 999).float()), boxes, strict=True):
            assert parse_boxes(text, "qwen_vl").boxes_in_frame.tolist() == [box.tolist()]
            assert len(encode_texts([text])[0]) <= LONGEST + 1


class TestEncodeTexts:
    def test_there_and_back(self):
        for text, row in zip(TEXTS, encode_texts(TEXTS).tolist(), strict=True):
            assert decode_tokens([token for token in row[1:] if token != PADDING]) == text

    def test_nothing(self):
        assert encode_texts([]).shape == (0, LONGEST + 1)

    def test_a_character_that_is_no_token(self):
        with pytest.raises(ValueError, match="texts: expected characters of .*, got '.' in '<box>0.5'"):
            encode_texts(["<box>0.5"])


class TestLoss:
    def test_equals_the_slow_loop(self, head: TextHead, lookups: Lookups):
        lost = []
        for row, text in enumerate(TEXTS):
            numbers = encode_texts([text])
            n = 9 + int(lookups.words_seen[row].sum())
            for k in range(1, numbers.shape[1]):
                logits = head.decoder(lookups.features[row, None, :n], numbers[:, :k])[0, -1]
                lost.append(functional.cross_entropy(logits, numbers[0, k]))
        assert len(lost) == sum(len(text) - len(START) - len(END) + 1 for text in TEXTS)
        torch.testing.assert_close(head.loss(lookups)["loss"], torch.stack(lost).mean(), rtol=1e-4, atol=1e-4)

    def test_nothing_to_learn_from(self, head: TextHead, lookups: Lookups):
        nobody = Lookups(lookups.features, lookups.words_seen, BOXES, torch.zeros(4, dtype=torch.bool), lookups.none)
        loss = head.loss(nobody)["loss"]
        loss.backward()
        assert loss == 0


class TestAnswer:
    def test_it_learns_three_boxes(self, head: TextHead, lookups: Lookups):
        optimizer = torch.optim.Adam(head.parameters(), 1e-2)
        for _ in range(80):
            optimizer.zero_grad()
            head.loss(lookups)["loss"].backward()
            optimizer.step()
        answered = head.answer(lookups, (128, 128))
        assert answered.texts[:3] == tuple(TEXTS)
        assert answered.tokens[:3].tolist() == [len(text) - len(START) - len(END) + 1 for text in TEXTS]
        torch.testing.assert_close(answered.boxes[:3], 128 * BOXES[:3], rtol=0, atol=0.5 * 128 / 999)
        assert answered.readable[:3].all()

    def test_what_is_no_box_is_not_readable(self, head: TextHead, lookups: Lookups):
        """A head that only ever writes a comma never ends; one that ends at once has written nothing."""
        for token, tokens in ((",", LONGEST), (END, 1)):
            head.decoder.norm.weight.data.fill_(1.0)
            head.decoder.embedding.weight.data.zero_()
            wanted = TOKENS.index(token)

            def always(x: torch.Tensor, wanted: int = wanted) -> torch.Tensor:
                return torch.nn.functional.one_hot(torch.full(x.shape[:-1], wanted), len(TOKENS)).float()

            head.decoder.score = always
            answered = head.answer(lookups, (128, 128))
            assert not answered.readable.any()
            assert not answered.boxes.any()
            assert answered.tokens.tolist() == [tokens] * 4
