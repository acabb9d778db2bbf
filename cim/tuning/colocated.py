"""vLLM in the training processes, as TRL opens it: what it needs beside the weights to sample as the trainer would."""

from collections.abc import Sequence
from typing import Any

from cim.errors import FatalError


class Colocated:
    """Stands around TRL's VLLMGeneration, whose methods it replaces by its own around them.

    TRL (1.16) hands vLLM ids in which the processor has put an image's placeholder once a patch, and vLLM, which does
    so itself, would do it again; here vLLM is given the ids of the chat template's text. And vLLM keeps what the vision
    tower made of an image, which TRL does not have it forget when the weights change.
    """

    def __init__(self, generation: Any, processor: Any) -> None:
        """generation: the trainer's `vllm_generation`."""
        self._processor = processor
        self._asked: dict[tuple[int, ...], list[int]] = {}
        self._engine = generation.llm.llm_engine
        self._generate, self._sync = generation.generate, generation.sync_weights
        generation.generate, generation.sync_weights = self.generate, self.sync_weights

    def learn(self, prompts: Sequence[Any], ids: Sequence[Sequence[int]]) -> None:
        """Note what vLLM is to be asked in place of each prompt's ids."""
        self._asked = {
            tuple(one): prompt_ids(self._processor, prompt) for one, prompt in zip(ids, prompts, strict=True)
        }

    def generate(self, prompts: Sequence[Sequence[int]], **more: Any) -> Any:
        """As VLLMGeneration's; raises FatalError where vLLM makes other ids of a prompt than the trainer has."""
        found = self._generate(prompts=[self._asked[tuple(one)] for one in prompts], **more)
        for here, there in zip(prompts, found[0], strict=True):
            if list(here) != list(there):
                raise FatalError(
                    f"a prompt of {len(there)} tokens in vLLM, of {len(here)} in the trainer",
                    "the same tokens in both: captions are scored under the trainer's",
                    "set tune.rollout.engine: transformers for this captioner",
                )
        return found

    def sync_weights(self) -> None:
        """As VLLMGeneration's; then what was made of images by the weights before is forgotten."""
        self._sync()
        self._engine.reset_encoder_cache()


def prompt_ids(processor: Any, conversation: Any) -> list[int]:
    """Token ids of a conversation's text, with one placeholder an image, as the processor would begin them."""
    text = processor.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)
    tokenizer = processor.tokenizer
    begun = bool(tokenizer.bos_token) and text.startswith(tokenizer.bos_token)  # as transformers tells it
    return list(tokenizer(text, add_special_tokens=not begun)["input_ids"])
