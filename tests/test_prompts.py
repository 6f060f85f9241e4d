import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from gk_utils.grounding_dino.prompts import phrase_tokens, sub_sentences, write_prompt

CLS, SEP, DOT = 101, 102, 1012
ENDS = (CLS, SEP, DOT, 1029)


def by_loop(row: list[int]) -> tuple[list[list[bool]], list[int]]:
    """The sub-sentence mask as the paper's code makes it: from separator to separator, the first and last left out."""
    t = len(row)
    attends, positions, before = [[i == j for j in range(t)] for i in range(t)], [0] * t, 0
    for end in (index for index, token in enumerate(row) if token in ENDS):
        if 0 < end < t - 1:
            for i in range(before + 1, end + 1):
                positions[i] = i - before - 1
                for j in range(before + 1, end + 1):
                    attends[i][j] = True
        before = end
    return attends, positions


class TestWritePrompt:
    def test_lower_case_dots_and_a_final_dot(self):
        assert write_prompt(["A Cat", " red mug. "]) == "a cat. red mug."

    @pytest.mark.parametrize(("phrases", "said"), [([], "got none"), (["  "], "got ''"), (["a. b"], "got 'a. b'")])
    def test_what_is_no_phrase(self, phrases, said):
        with pytest.raises(ValueError, match=said):
            write_prompt(phrases)


class TestSubSentences:
    def test_two_phrases(self):
        """Red mug and cat do not read each other; [CLS] and [SEP] read themselves."""
        attends, positions = sub_sentences(torch.tensor([[CLS, 7, 8, DOT, 9, DOT, SEP]]), ENDS)
        want = torch.block_diag(torch.ones(1, 1), torch.ones(3, 3), torch.ones(2, 2), torch.ones(1, 1)).bool()
        assert_close(attends[0], want)
        assert positions.tolist() == [[0, 0, 1, 2, 0, 1, 0]]

    def test_a_prompt_without_its_final_dot_depends_on_the_padding(self):
        """Alone "a cat" falls into single words; with padding behind it, it is a sub-sentence. Hence the dot."""
        alone, places = sub_sentences(torch.tensor([[CLS, 7, 8, SEP]]), ENDS)
        padded, _ = sub_sentences(torch.tensor([[CLS, 7, 8, SEP, 0]]), ENDS)
        assert alone[0].sum() == 4
        assert places.tolist() == [[0, 0, 0, 0]]
        assert padded[0, 1].tolist() == [False, True, True, True, False]

    @given(st.lists(st.sampled_from([0, 7, 8, DOT, SEP, 1029]), min_size=1, max_size=12))
    def test_equals_the_loop(self, tail):
        row = [CLS, *tail]
        attends, positions = sub_sentences(torch.tensor([row, row[::-1]]), ENDS)
        want, places = by_loop(row)
        assert attends[0].tolist() == want
        assert positions[0].tolist() == places

    def test_equals_transformers(self):
        from transformers.models.grounding_dino import modeling_grounding_dino as library

        ids = torch.randint(0, 4, (20, 9), generator=torch.Generator().manual_seed(0))
        ids = torch.tensor([7, DOT, SEP, 0])[ids]
        ids[:, 0] = CLS
        want = library.generate_masks_with_special_tokens_and_transfer_map(ids, torch.tensor(ENDS))
        for ours, theirs in zip(sub_sentences(ids, ENDS), want, strict=True):
            assert_close(ours, theirs)


class TestPhraseTokens:
    def test_equals_transformers_label_maps(self):
        from transformers.models.grounding_dino.modeling_grounding_dino import build_label_maps

        ids = torch.tensor([[CLS, 7, 8, DOT, 9, DOT, SEP, 0], [CLS, 5, 1029, 6, 6, 6, SEP, 0]])
        for row, want in zip(ids, build_label_maps(torch.zeros(2, 1, 8), ids), strict=True):
            assert_close(phrase_tokens(row, ENDS), want.bool())

    def test_nothing_asked(self):
        assert phrase_tokens(torch.tensor([CLS, SEP]), ENDS).shape == (0, 2)
        assert phrase_tokens(torch.tensor([7, 8]), ENDS).shape == (0, 2)
