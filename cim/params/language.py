"""language: which one captions are in. What knows it works, what does not stands aside and says so."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from cim.languages.known import LANGUAGES, language_of
from cim.languages.language import Language
from cim.params.base import Section


def _code(text: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", text):
        raise ValueError(f"{text!r} is no code of a language, such as en, pt or pt-BR (ISO 639 in small letters first)")
    return text


LanguageCode = Annotated[str, AfterValidator(_code)]


class InLanguage(Section):
    """A params file about captions in one language."""

    language: LanguageCode = Field(
        "en", description="of captions, as a code: en, pt, pt-BR; guards and metrics that don't know it stand aside"
    )

    @property
    def spoken(self) -> Language:
        """What is known of it."""
        return language_of(self.language)

    @model_validator(mode="before")
    @classmethod
    def _asked_in_its_language(cls, values: Any) -> Any:
        """caption.prompts, where there is a section caption that names none."""
        if not isinstance(values, dict) or not isinstance(caption := values.get("caption"), dict):
            return values
        spoken = language_of(code) if isinstance(code := values.get("language", "en"), str) else None
        if "prompts" in caption or spoken is None or spoken.code == "en" or spoken.prompt is None:
            return values
        return values | {"caption": caption | {"prompts": [spoken.prompt]}}

    @model_validator(mode="after")
    def _asks_in_no_other_language(self) -> "InLanguage":
        caption = getattr(self, "caption", None)
        if caption is not None and self.spoken.prompt is None and "prompts" not in caption.model_fields_set:
            known = ", ".join(LANGUAGES)
            raise ValueError(f"language {self.language} without caption.prompts: a default is known in {known} only")
        return self
