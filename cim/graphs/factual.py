"""Captions to graphs by FactualSceneGraph's T5 (Li et al., arXiv 2305.17497), the parser of the published CAPTURE."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cim.graphs.english import is_noun, read
from cim.graphs.facts import read_facts
from cim.graphs.graph import GraphBuilder, TextGraph, restricted
from cim.graphs.wordnet import Wordnet, load_wordnet
from cim.models.load import load_model, load_part

PROMPT = "Generate Scene Graph: "
BEAMS, TOKENS_IN, TOKENS_OUT, BATCH = 5, 64, 128, 32  # as in CAPTURE

Write = Callable[[list[str]], list[str]]  # prompts to what the model writes


class FactualParser:
    """Meets GraphParser: sentence by sentence; only what spaCy finds to be nouns of the caption can be an object."""

    def __init__(self, write: Write) -> None:
        """write: the model, see `load_writer`."""
        self._write = write

    def parse(self, captions: Sequence[str]) -> list[TextGraph]:
        """One graph a caption; facts of all its sentences together."""
        wordnet = load_wordnet()
        documents = list(read(captions))
        sentences = [[sentence.text for sentence in document.sents] for document in documents]
        flat = [PROMPT + sentence for of_one in sentences for sentence in of_one]
        written = iter(
            [text for start in range(0, len(flat), BATCH) for text in self._write(flat[start : start + BATCH])]
        )
        graphs = []
        for document, of_one in zip(documents, sentences, strict=True):
            builder = GraphBuilder()
            for _ in of_one:
                read_facts(next(written), builder, wordnet)
            graphs.append(_of_nouns(builder.graph(), document, wordnet))
        return graphs


def _of_nouns(graph: TextGraph, document: Any, wordnet: Wordnet) -> TextGraph:
    """The model names things that the caption does not; CAPTURE keeps those whose words are all nouns of it."""
    nouns = {wordnet.base(token.lower_, "n") for token in document if is_noun(token)}
    return restricted(graph, (name for name in graph.objects if name in nouns or set(name.split(" ")) <= nouns))


def load_writer(folder: Path, device: str) -> Write:
    """The T5 in `folder`. device: auto, cpu, cuda. Raises CimError when the folder holds no such model."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    from cim.models.device import pick_device

    place = pick_device(device)
    model = load_model(AutoModelForSeq2SeqLM, folder).to(place)
    tokenizer = load_part(AutoTokenizer, folder)

    def write(prompts: list[str]) -> list[str]:
        inputs = tokenizer(prompts, max_length=TOKENS_IN, truncation=True, padding=True, return_tensors="pt").to(place)
        with torch.no_grad():
            written = model.generate(**inputs, num_beams=BEAMS, max_length=TOKENS_OUT, early_stopping=True)
        return list(tokenizer.batch_decode(written, skip_special_tokens=True))

    return write
