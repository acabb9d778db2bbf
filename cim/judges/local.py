"""A judge that runs here: a transformers text model in a local folder."""

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from cim.models.device import pick_device
from cim.models.load import load_model, load_part
from cim.params.judge import Local

SHORT = 8  # tokens: "n/a." fits


class LocalJudge:
    """Meets Judge. Greedy decoding."""

    def __init__(self, settings: Local, system: str, tokens: int = SHORT) -> None:
        """tokens: the longest reply. Raises CimError when the folder holds no text model in safetensors that loads."""
        folder, self._system, self._tokens = Path(settings.folder), system, tokens
        self._device = pick_device(settings.device)
        self._batch = settings.batch
        self._model = load_model(AutoModelForCausalLM, folder, dtype="auto").to(self._device)
        self._tokenizer = load_part(AutoTokenizer, folder, padding_side="left")
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token

    def reply(self, prompts: Sequence[str]) -> list[str]:
        """Replies in the order of the prompts; one that is too long is cut."""
        texts = [self._wrapped(prompt) for prompt in prompts]
        found: list[str] = []
        for start in range(0, len(texts), self._batch):
            found += self._generate(texts[start : start + self._batch])
        return found

    def attempt(self, prompts: Sequence[str]) -> list[str | None]:
        """As `reply`: a model that runs here leaves none without an answer."""
        return list(self.reply(prompts))

    def _generate(self, texts: list[str]) -> list[str]:
        bare = self._tokenizer.chat_template is None  # a template brings its own special tokens
        inputs = self._tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=bare)
        inputs = {name: inputs[name].to(self._device) for name in ("input_ids", "attention_mask")}
        with torch.no_grad():
            tokens = self._model.generate(
                **inputs, max_new_tokens=self._tokens, do_sample=False, pad_token_id=self._tokenizer.pad_token_id
            )
        new = tokens[:, inputs["input_ids"].shape[1] :]
        return list(self._tokenizer.batch_decode(new, skip_special_tokens=True))

    def _wrapped(self, prompt: str) -> str:
        if self._tokenizer.chat_template is None:
            return f"{self._system}\n\n{prompt}"
        messages = [{"role": "system", "content": self._system}, {"role": "user", "content": prompt}]
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
