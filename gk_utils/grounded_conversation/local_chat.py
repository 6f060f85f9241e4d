"""A language model of transformers from a folder: its weights, tokenizer and chat template, nothing fetched.

Notebook: 15.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch


class LocalChat:
    """A `LanguageModel` around a causal model of transformers; safetensors alone, no code from the folder is run.

    Args:
        folder: what `save_pretrained` of the model and its tokenizer left.
        device: where it runs.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: a tokenizer without a chat template.

    >>> LocalChat("runs/none")
    Traceback (most recent call last):
    ...
    FileNotFoundError: folder: expected a saved model, got 'runs/none'. Name what save_pretrained wrote.
    """

    def __init__(self, folder: str | os.PathLike, device: str | torch.device = "cpu") -> None:
        if not Path(folder).is_dir():
            raise FileNotFoundError(
                f"folder: expected a saved model, got {str(folder)!r}. Name what save_pretrained wrote."
            )
        from transformers import AutoModelForCausalLM, AutoTokenizer

        here = {"local_files_only": True, "trust_remote_code": False}
        self.tokenizer = AutoTokenizer.from_pretrained(folder, **here)
        if not self.tokenizer.chat_template:
            raise ValueError(
                f"folder: expected a tokenizer with a chat template, got none in {str(folder)!r}. Take a chat model."
            )
        model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, **here)
        self.model, self.device = model.eval().to(device), torch.device(device)

    @torch.no_grad()
    def complete(self, messages: str | Sequence[Mapping[str, str]], *, max_tokens: int = 256) -> str:
        """The likeliest reply, word by word (greedy), without its prompt."""
        asked = [{"role": "user", "content": messages}] if isinstance(messages, str) else [dict(m) for m in messages]
        options = {"add_generation_prompt": True, "return_dict": True, "return_tensors": "pt"}
        batch = self.tokenizer.apply_chat_template(asked, **options).to(self.device)
        ends = self.model.generation_config.pad_token_id, self.tokenizer.pad_token_id, self.tokenizer.eos_token_id
        padding = next((token for token in ends if token is not None), 0)
        written = self.model.generate(**batch, do_sample=False, max_new_tokens=max_tokens, pad_token_id=padding)
        tokens = written[0, batch["input_ids"].shape[1] :]
        return self.tokenizer.decode(tokens, skip_special_tokens=True).strip()
