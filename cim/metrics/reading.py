"""How captions are read for what they say: language, parser of scenes, words for objects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cim.languages.english import ENGLISH
from cim.languages.language import Language
from cim.metrics.knows import metrics_aside
from cim.metrics.scenes import Graph
from cim.metrics.vocabulary import Vocabulary, coco_vocabulary, read_vocabulary
from cim.params.caption import Evaluate

Parser = Callable[[str], Graph]


@dataclass(frozen=True)
class Reading:
    """parser: of scenes' captions, None for no facts. vocabulary: None for no objects. missing: why metrics stand
    aside, by group or metric."""

    parser: Parser | None
    language: Language = ENGLISH
    vocabulary: Vocabulary | None = field(default_factory=coco_vocabulary)
    missing: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, params: Evaluate, language: Language, parser: Parser) -> "Reading":
        """What params ask for, without what stands aside. Raises CimError for a vocabulary that can't be read."""
        aside = metrics_aside(language, params.objects)
        off = dict.fromkeys(("scenes", "details"), "evaluate.parser is off") if params.parser == "off" else {}
        vocabulary = None if "chair" in aside else coco_vocabulary()
        if params.objects is not None:
            vocabulary = read_vocabulary(Path(params.objects), language)
        missing = aside | off
        return cls(None if "scenes" in missing else parser, language, vocabulary, missing)
