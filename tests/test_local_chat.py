"""A chat model from a folder: a tiny random Llama with a tokenizer and a chat template, saved and loaded again."""

import pytest
import torch

from gk_utils.grounded_conversation.local_chat import LocalChat
from gk_utils.protocols import LanguageModel

WORDS = ["[PAD]", "[END]", "user", "assistant", "system", ":", "what", "is", "a", "cat", "mug", "red", ".", "?"]
TEMPLATE = (
    "{% for m in messages %}{{ m.role }} : {{ m.content }} {% endfor %}"
    "{% if add_generation_prompt %}assistant :{% endif %}"
)


def save(folder, template):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    table = {word: number for number, word in enumerate(WORDS)}
    words = Tokenizer(models.WordLevel(table, unk_token="[PAD]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", eos_token="[END]")
    tokenizer.chat_template = template
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"eos_token_id": 1, "pad_token_id": 0, "bos_token_id": None}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(WORDS), **sizes, **ends)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def chat(tmp_path_factory):
    return LocalChat(save(tmp_path_factory.mktemp("chat"), TEMPLATE))


@torch.no_grad()
def by_hand(chat, prompt, steps):
    """The likeliest word each time, up to [END]."""
    ids = chat.tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
    start = ids.shape[1]
    for _ in range(steps):
        best = chat.model(ids).logits[0, -1].argmax().view(1, 1)
        ids = torch.cat([ids, best], 1)
        if int(best) == 1:
            break
    return chat.tokenizer.decode(ids[0, start:], skip_special_tokens=True).strip()


class TestLocalChat:
    def test_equals_a_loop(self, chat):
        assert isinstance(chat, LanguageModel)
        messages = [{"role": "system", "content": "a red mug ."}, {"role": "user", "content": "what is a cat ?"}]
        prompt = "system : a red mug . user : what is a cat ? assistant :"
        assert chat.complete(messages, max_tokens=9) == by_hand(chat, prompt, 9)

    def test_one_question_is_the_user_s(self, chat):
        assert chat.complete("a mug ?", max_tokens=5) == by_hand(chat, "user : a mug ? assistant :", 5)

    def test_cut_off(self, chat):
        long, short = (chat.complete("what is a cat ?", max_tokens=steps).split() for steps in (8, 3))
        assert len(short) <= 3
        assert long[: len(short)] == short

    def test_the_same_call_gives_the_same_answer(self, chat):
        assert chat.complete("a mug ?", max_tokens=6) == chat.complete("a mug ?", max_tokens=6)

    def test_without_a_chat_template(self, tmp_path):
        with pytest.raises(ValueError, match="folder: expected a tokenizer with a chat template"):
            LocalChat(save(tmp_path, None))

    def test_no_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="folder: expected a saved model"):
            LocalChat(tmp_path / "none")
