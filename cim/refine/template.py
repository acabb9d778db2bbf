"""Prompt templates: files with {names} that a sample's texts and fields fill, each quoted."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from cim.chat.quoting import quoted
from cim.errors import CimError
from cim.languages.english import ENGLISH
from cim.languages.language import Language
from cim.params.texts import columns_of
from cim.text import has_text


@cache
def read_template(name: str, path: str | None, needed: tuple[str, ...] = (), language: Language = ENGLISH) -> str:
    """The user's file `path`, or ours of that name in `language`. needed: {names} that must be in it.

    Raises CimError, also where there is none in the language.
    """
    if path is None:
        ours = resources.files("cim.refine").joinpath("templates", f"{name}.{language.code}.txt")
        if not ours.is_file():
            raise CimError(
                f"no template {name} in {language.name}", "one of yours", "set refine.by.template to a text file"
            )
        text = ours.read_text(encoding="utf-8")
    else:
        try:
            text = Path(path).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CimError(
                f"template {path} can't be read ({error})", "a text file in UTF-8", "mend refine.by.template"
            ) from error
    if lacking := [one for one in needed if one not in columns_of(text)]:
        raise CimError(
            f"template {path or name} without {{{lacking[0]}}}",
            f"a place for {', '.join(f'{{{one}}}' for one in needed)}",
            "mend the template",
        )
    return text.strip()


def template_hash(template: str) -> str:
    """16 hex digits, by which a lineage names the text."""
    return hashlib.sha256(template.encode()).hexdigest()[:16]


def spoken(language: Language) -> dict[str, str]:
    """What a lineage says of it: nothing of English, so that what was made before there were others stays."""
    return {} if language == ENGLISH else {"language": language.code}


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its {names} replaced by the values, as one line of JSON each. Braces around others stay."""
    for name in columns_of(template):
        if name in values:
            template = template.replace(f"{{{name}}}", f"\0{name}\0")
    for name, value in values.items():  # in two steps, so that a value can't name a place
        template = template.replace(f"\0{name}\0", quoted(value))
    return template


def as_text(value: Any) -> str:
    """A field as a prompt shows it: a text or number as it is, a list with commas; "" for all else."""
    if isinstance(value, list):
        return ", ".join(filter(None, (as_text(one) for one in value)))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = " ".join(str(value).split())
    return text if has_text(text) else ""
