"""Picture and prompt computed once for all captions of a picture: in a rollout, in scores and in updates."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
import xxhash
from torch import nn
from transformers import DynamicCache, FastVlmForConditionalGeneration
from trl import GRPOTrainer
from trl.kernels import ChunkedLogProbFunction

from cim.captioners.shared_prefix import pack, packed_hidden

_VOCABULARY_AT_ONCE = 32_768  # columns of the head, as the trainer has it


class Rows(NamedTuple):
    """b rows of one picture, a prompt padded on the left and a completion on the right, as TRL has them.

    input_ids, attention_mask: (b, p + c). pixel_values: (b, 3, h, w). completion: c, 0 for prompts alone.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    pixel_values: torch.Tensor
    completion: int = 0

    def part(self, rows: slice) -> "Rows":
        """Some of the rows."""
        return Rows(self.input_ids[rows], self.attention_mask[rows], self.pixel_values[rows], self.completion)

    def prompt(self, row: int) -> list[int]:
        """Its tokens."""
        length = self.input_ids.shape[1] - self.completion
        said = self.attention_mask[row, :length].bool()
        tokens: list[int] = self.input_ids[row, :length][said].tolist()
        return tokens


def is_shareable(model: Any) -> bool:
    """Whether captions of a picture can share what `model` makes of it: only what is tested to give the same numbers.

    A FastVLM, not wrapped by adapters or by what shards it, with a frozen tower, without dropout, on a CPU.
    """
    if type(model) is not FastVlmForConditionalGeneration or model.device.type != "cpu":
        return False
    text = model.config.text_config
    kinds = set(getattr(text, "layer_types", None) or ["?"])
    return (
        text.model_type == "qwen2"
        and kinds == {"full_attention"}
        and text._attn_implementation == "sdpa"
        and not text.attention_dropout
        and not any(isinstance(module, nn.Dropout) and module.p for module in model.modules())
        and not any(weight.requires_grad for weight in model.model.vision_tower.parameters())
    )


def by_prefix(rows: Rows) -> list[list[int]]:
    """Numbers of the rows with the same prompt and picture, told by its pixels' hash; in the order of their first."""
    pixels = rows.pixel_values.detach().contiguous().view(torch.uint8).numpy()
    groups: dict[tuple[bytes, tuple[int, ...]], list[int]] = {}
    for row, picture in enumerate(pixels):
        key = xxhash.xxh3_128_digest(memoryview(picture).cast("B")), tuple(rows.prompt(row))
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def token_log_probs(model: Any, rows: Rows, temperature: float) -> tuple[torch.Tensor, torch.Tensor]:
    """(b, c) log probabilities of the completions' tokens and entropies where these stand, 0 where padding does."""
    groups = by_prefix(rows)
    order = torch.tensor([row for group in groups for row in group])
    said = rows.attention_mask[:, -rows.completion :].bool()
    found = torch.zeros(said.shape), torch.zeros(said.shape)
    if not said.any():
        return found
    tokens = rows.input_ids[:, -rows.completion :]
    captions = [[tokens[row][said[row]].tolist() for row in group] for group in groups]
    prefixes = [rows.prompt(group[0]) for group in groups]
    packed = pack(prefixes, captions, fill=prefixes[0][-1])
    hidden = packed_hidden(model, packed, pixel_values=rows.pixel_values[[group[0] for group in groups]])
    head = model.lm_head
    values = ChunkedLogProbFunction.apply(
        hidden, head.weight, head.bias, packed.targets, temperature, _VOCABULARY_AT_ONCE, None, 1.0, ("entropy",)
    )
    number, column = said[order].nonzero(as_tuple=True)  # of the targets, which lie in this order
    log_probs, entropies = (
        zeros.index_put((order[number], column), one) for zeros, one in zip(found, values[:2], strict=True)
    )
    return log_probs, entropies


def generate_from(model: Any, generate: Any, rows: Rows, options: dict[str, Any]) -> Any:
    """What `generate` gives for rows without completions: it begins with what `model` makes of each prompt once.

    The last token of each prompt is left to `generate`, which samples from what follows it.
    """
    groups = by_prefix(rows)
    inputs = {"input_ids": rows.input_ids, "attention_mask": rows.attention_mask}
    if len(groups) == len(rows.input_ids):
        return generate(**inputs, pixel_values=rows.pixel_values, **options)
    first = torch.tensor([group[0] for group in groups])
    mask = rows.attention_mask[first, :-1]
    cache = DynamicCache(config=model.config.text_config)
    with torch.no_grad():
        model.model(
            input_ids=rows.input_ids[first, :-1],
            attention_mask=mask,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
            pixel_values=rows.pixel_values[first],
            past_key_values=cache,
            use_cache=True,
        )
    places = {row: number for number, group in enumerate(groups) for row in group}
    cache.batch_select_indices(torch.tensor([places[row] for row in range(len(places))]))
    return generate(**inputs, past_key_values=cache, **options)


class SharedPrefixTrainer(GRPOTrainer):  # type: ignore[misc]
    """TRL's GRPOTrainer; what `is_shareable` computes picture and prompt once for all captions of a picture.

    TRL (1.16) computes them again for each caption. It shuffles the rows of a rollout, so that those of one picture are
    looked for in each call. Its private methods are overridden; models that are not known go through them as they are.
    """

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: Any, attention_mask: Any, logits_to_keep: int, *args: Any, **fields: Any
    ) -> tuple[Any, Any, Any]:
        pixels, size = fields.get("pixel_values"), fields.get("batch_size") or len(input_ids)
        entropy = fields.get("compute_entropy", False)
        own = {"pixel_values", "batch_size", "compute_entropy", "num_images"}
        others = any(value is not None and value is not False for name, value in fields.items() if name not in own)
        one_each = pixels is not None and fields.get("num_images") == [1] * len(input_ids) == [1] * len(pixels)
        known = not (args or others) and one_each and not self.args.cast_lm_head_to_fp32 and is_shareable(model)
        if pixels is None or not known:
            found: tuple[Any, Any, Any] = super()._get_per_token_logps_and_entropies(
                model, input_ids, attention_mask, logits_to_keep, *args, **fields
            )
            return found
        rows = Rows(input_ids, attention_mask, pixels, logits_to_keep)
        parts = []
        for start in range(0, len(input_ids), size):
            with self.accelerator.autocast():
                parts.append(token_log_probs(model, rows.part(slice(start, start + size)), self.temperature))
        log_probs, entropies = (torch.cat(some) for some in zip(*parts, strict=True))
        return log_probs, entropies if entropy else None, None

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> tuple[list[list[int]], Any]:
        shared = not self.use_vllm and self.model_wrapped is self.model and is_shareable(self.model)
        with _prefilled_once(self.model) if shared else nullcontext():
            found: tuple[list[list[int]], Any] = super()._generate_single_turn(*args, **kwargs)
        return found


@contextmanager
def _prefilled_once(model: Any) -> Iterator[None]:
    """While this is open, `model.generate` computes each prompt with its picture once."""
    own = model.generate
    instead = vars(model).get("generate")

    def generate(**inputs: Any) -> Any:
        if "pixel_values" not in inputs:
            return own(**inputs)
        rows = Rows(*(inputs.pop(name) for name in ("input_ids", "attention_mask", "pixel_values")))
        return generate_from(model, own, rows, inputs)

    model.generate = generate
    try:
        yield
    finally:
        del model.generate
        if instead is not None:
            model.generate = instead
