"""The table of docs/languages.md: every part that reads words, and which languages it knows."""

from collections.abc import Iterator
from importlib import resources

from cim.languages.known import language_of
from cim.languages.knows import ENGLISH_ONLY, FACTS, Knows
from cim.languages.language import Language
from cim.metrics.knows import KNOWS
from cim.refine.form import KNOWS as CHECKS
from cim.rewards.guards.build import GUARDS

COLUMNS = {"English": "en", "Portuguese": "pt", "known by blanks (German)": "de", "any other (Chinese)": "zh"}
OTHERS = {
    "`caption.prompts`, its default": Knows(("prompt",)),
    "the model of `tune.reward.terms.answers`": Knows(("questions",)),
    "`shard.sources` of kind `scenes` and all that reads them": ENGLISH_ONLY,
    "`evaluate.parser` `scenes`, `spacy`, `t5`": ENGLISH_ONLY,
    "`curate.text.min_english`": ENGLISH_ONLY,
}

ENCODED = {f"metrics `{name}`" for name in ("retrieval", "reward", "clip")}  # by models that params name, unchecked


def rows() -> Iterator[tuple[str, Knows]]:
    """Every part with what it declares."""
    for name, guard in GUARDS.items():
        yield from ((f"guard `{name}`" + (f", `{part}`" if part else ""), knows) for part, knows in guard.knows.items())
    yield "guard `unscorable`", Knows()
    yield from ((f"metrics `{name}`", knows) for name, knows in KNOWS.items())
    yield from ((f"refine: {name}", knows) for name, knows in CHECKS.items())
    yield from OTHERS.items()


def table() -> str:
    """In Markdown. CHAIR needs a vocabulary as well in any language but English."""
    lines = ["| part | needs | " + " | ".join(COLUMNS) + " |", "|---|---|" + "---|" * len(COLUMNS)]
    for name, knows in rows():
        needs = (
            "English"
            if knows.only
            else "encoders that know it"
            if name in ENCODED
            else ", ".join(FACTS[fact] for fact in knows.needs) or "nothing"
        )
        lines.append(
            f"| {name} | {needs} | " + " | ".join(_cell(name, knows, code) for code in COLUMNS.values()) + " |"
        )
    templates = " | ".join("yes" if _has_templates(language_of(code)) else "-" for code in COLUMNS.values())
    return "\n".join([*lines, f"| refine: templates | a file | {templates} |"])


def _cell(name: str, knows: Knows, code: str) -> str:
    if knows.why_not(language_of(code)) is not None:
        return "-"
    return "by `evaluate.objects`" if name == "metrics `chair`" and code != "en" else "yes"


def _has_templates(language: Language) -> bool:
    folder = resources.files("cim.refine").joinpath("templates")
    names = {file.name for file in folder.iterdir()}
    return {name.replace(".en.", f".{language.code}.") for name in names if ".en." in name} <= names
