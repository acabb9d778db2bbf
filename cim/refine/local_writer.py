"""A text model that runs here: prompts of several threads are answered together."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from cim.chat.client import Reply
from cim.models.device import pick_device
from cim.models.folder import folder_fingerprint
from cim.models.load import load_model, load_part
from cim.params.refine_models import LocalWriter


@dataclass
class _Waiting:
    prompt: str
    reply: Reply | None = None


class TransformersWriter:
    """Meets Writer. Greedy decoding; whoever finds the model free answers all who wait.

    Answers of one prompt in batches of different sizes may differ by rounding.
    """

    def __init__(self, settings: LocalWriter) -> None:
        """Raises CimError when the folder holds no text model in safetensors that loads."""
        from pathlib import Path

        folder = Path(settings.folder).expanduser()
        self._settings, self._device = settings, pick_device(settings.device)
        self._made_from = folder_fingerprint(folder)
        self._model = load_model(AutoModelForCausalLM, folder, dtype="auto").to(self._device)
        self._tokenizer = load_part(AutoTokenizer, folder, padding_side="left")
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._free, self._waiting = Lock(), list[_Waiting]()

    @property
    def parallel(self) -> int:
        """Prompts a forward pass."""
        return self._settings.parallel

    def write(self, prompt: str) -> Reply:
        """As Writer says."""
        mine = _Waiting(prompt)
        self._waiting.append(mine)
        with self._free:
            if mine.reply is None:  # nobody took it along
                batch, self._waiting = self._waiting[: self.parallel], self._waiting[self.parallel :]
                if mine not in batch:
                    batch.append(mine)
                    self._waiting.remove(mine)
                for one, reply in zip(batch, self._answers([one.prompt for one in batch]), strict=True):
                    one.reply = reply
        assert mine.reply is not None
        return mine.reply

    def identity(self) -> Mapping[str, Any]:
        """By the content of its folder."""
        return {"model": self._made_from, "max_new_tokens": self._settings.max_new_tokens}

    def _answers(self, prompts: list[str]) -> list[Reply]:
        bare = self._tokenizer.chat_template is None  # a template brings its own special tokens
        texts = prompts if bare else [self._templated(prompt) for prompt in prompts]
        inputs = self._tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=bare)
        inputs = {name: inputs[name].to(self._device) for name in ("input_ids", "attention_mask")}
        most, pad = self._settings.max_new_tokens, self._tokenizer.pad_token_id
        with torch.no_grad():
            tokens = self._model.generate(**inputs, max_new_tokens=most, do_sample=False, pad_token_id=pad)
        new = tokens[:, inputs["input_ids"].shape[1] :]
        written = self._tokenizer.batch_decode(new, skip_special_tokens=True)
        lengths, asked = (new != pad).sum(dim=1).tolist(), inputs["attention_mask"].sum(dim=1).tolist()
        return [
            Reply(text.strip(), "length" if length >= most else "stop", length, tokens_in)
            for text, length, tokens_in in zip(written, lengths, asked, strict=True)
        ]

    def _templated(self, prompt: str) -> str:
        messages = [{"role": "user", "content": prompt}]
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
