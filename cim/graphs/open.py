"""The parser and the matcher that someone asked for by name."""

from collections.abc import Callable
from typing import Literal

from cim.errors import CimError
from cim.graphs.graph import GraphParser
from cim.graphs.matching import Matcher, Synonyms
from cim.graphs.phrases import Phrases
from cim.graphs.wordnet import load_wordnet
from cim.models.fetch import RequiredFiles, fetched
from cim.params.models import Loaded

ParserName = Literal["scenes", "spacy", "t5"]


def open_parser(name: ParserName, model: Loaded | None, device: str) -> GraphParser:
    """A parser of captions: their graphs in words, whatever reads them.

    scenes: the grammar of generated scenes. spacy: rules over dependency trees, for any English. t5:
    FactualSceneGraph's `model`, a local folder or a pinned hub id. device (t5): auto, cpu, cuda.

    Raises CimError for t5 without a model, or with one that can't be had or does not load.
    """
    if name == "scenes":
        from cim.graphs.scene_parser import SceneParser

        return SceneParser()
    if name == "spacy":
        from cim.graphs.spacy_parser import SpacyParser

        return SpacyParser()
    if model is None:
        raise CimError(
            "parser t5 without a model", "FactualSceneGraph's T5", "give its folder, or its hub id and commit"
        )
    from cim.graphs.factual import FactualParser, load_writer

    return FactualParser(load_writer(fetched(model, RequiredFiles("t5")), device))


def open_matcher(contains: Callable[[str, str], bool], phrases: Phrases) -> Matcher:
    """CAPTURE's matcher over WordNet. contains: `contains_text` as published, or `contains_words`."""
    return Matcher(Synonyms(load_wordnet(), contains), phrases)
