"""Which languages the metrics know, by group, and by name where a metric differs from its group."""

from collections.abc import Mapping

from cim.languages.knows import ANY, ENGLISH_ONLY, SPACED, Knows
from cim.languages.language import Language

NGRAMS = Knows(("ngrams",))
KNOWS: Mapping[str, Knows] = {
    "scenes": ENGLISH_ONLY,  # the grammar of generated scenes
    "references": ENGLISH_ONLY,  # spaCy's English model, or T5, and WordNet
    "capture": ENGLISH_ONLY,
    "retrieval": ANY,  # what the encoders know is for whoever chooses them
    "reward": ANY,
    "overlap": NGRAMS,
    "overlap.meteor": ENGLISH_ONLY,  # of its paraphrases and synonyms pycocoevalcap brings those of English alone
    "clip": ANY,
    "chair": Knows(("denials",)),  # and a vocabulary, see `metrics_aside`
    "text": SPACED,
    "text.duplicates": ANY,
    "text.truncated": ANY,
    "details": ENGLISH_ONLY,
}


def knows(group: str, name: str) -> Knows:
    """Of one metric."""
    return KNOWS.get(f"{group}.{name}", KNOWS[group])


def metrics_aside(language: Language, objects: str | None) -> dict[str, str]:
    """Why metrics stand aside, by the names in KNOWS. objects: `evaluate.objects`, a file of the language's words."""
    found = {name: why for name, knows in KNOWS.items() if (why := knows.why_not(language)) is not None}
    if objects is None and language.code != "en":
        found.setdefault("chair", f"evaluate.objects names no file with the words of {language.name} for objects")
    return found
