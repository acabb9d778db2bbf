"""A text model made from nothing: BERT's architecture, its words those of the captions that it is fitted to.

Without layers it is a bag of words: trained vectors of words and of their positions, averaged.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertTokenizer

from cim.encoders.heads import Texts
from cim.encoders.text_tower import trimmed
from cim.params import FittedText

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LEAST = 2  # times that a word of the vocabulary occurs: nothing is learnt of one that was seen once
HEAD, EXPANSION = 64, 2  # width of an attention head; of a layer's inner part by its width


def write_own_text(params: FittedText, captions: Iterable[str], context: int, folder: Path) -> None:
    """Configuration and tokenizer of a new model in `folder`, as transformers has them. context: tokens at most."""
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *frequent_words(captions, params.vocabulary)])}
    folder.mkdir(parents=True, exist_ok=True)
    BertTokenizer(vocab=vocabulary, do_lower_case=True, model_max_length=context).save_pretrained(str(folder))
    own_text_config(params, len(vocabulary), context).save_pretrained(str(folder))


def own_text_config(params: FittedText, vocabulary: int, context: int) -> BertConfig:
    """The configuration of a new model of so many tokens."""
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=params.hidden,
        num_hidden_layers=params.layers,
        num_attention_heads=params.hidden // HEAD,
        intermediate_size=EXPANSION * params.hidden,
        max_position_embeddings=context,
        architectures=["BertModel"],
    )


def frequent_words(captions: Iterable[str], most: int) -> list[str]:
    """At most so many words that occur LEAST times or more, the most frequent first, equals by the alphabet.

    Words as BERT parts them: lower case, without accents, punctuation by itself.
    """
    parts = BertTokenizer(vocab={word: number for number, word in enumerate(SPECIAL)}, do_lower_case=True)
    normalizer, splitter = parts.backend_tokenizer.normalizer, parts.backend_tokenizer.pre_tokenizer
    count: Counter[str] = Counter()
    for caption in captions:
        count.update(word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(caption)))
    words = sorted((word for word, times in count.items() if times >= LEAST), key=lambda word: (-count[word], word))
    return words[:most]


class OwnTexts(Texts):
    """Token ids (m, context) of all texts, and open_clip's text tower, trained as they are asked for."""

    def __init__(self, tower: Any, tokens: torch.Tensor, pad: int) -> None:
        super().__init__(tower.config.hidden_size)
        self.tower = tower.requires_grad_(True)
        self.tokens, self.pad = tokens, pad

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(b, t) of the texts of these numbers (b,)."""
        found: torch.Tensor = self.tower(trimmed(self.tokens[batch], self.pad))
        return found
