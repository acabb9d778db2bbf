"""What contradicts itself in parameters that are not all valid: pydantic looks only where every field is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

Place = tuple[Any, ...]


@dataclass
class LenientParser:
    """Reads sections as far as they are valid. bad: places of pydantic's errors. found: (place, contradiction)."""

    bad: list[Place]
    found: list[tuple[Place, str]] = field(default_factory=list)

    def section(self, model: type[BaseModel], values: dict[Any, Any], place: Place) -> BaseModel:
        """`model` from `values`, its own checks run one by one. Unknown names are ignored.

        A field that is bad or missing becomes an `object()`: equal to nothing, without order, length or items.
        """
        known: dict[str, Any] = {
            name: self._field(info.annotation, values[name], (*place, name)) if name in values else object()
            for name, info in model.model_fields.items()
            if name in values or info.is_required()
        }
        section = model.model_construct(**known)
        for check in model.__pydantic_decorators__.model_validators.values():
            try:
                check.func(section)
            except ValueError as error:
                self.found.append((place, str(error)))
            except (TypeError, AttributeError):
                continue  # it needs a field that is bad: nothing can be said
        return section

    def _field(self, annotation: Any, value: Any, place: Place) -> Any:
        models = list(sections_in(annotation))
        if models and isinstance(value, list):
            return [self._field(annotation, one, (*place, number)) for number, one in enumerate(value)]
        if models and isinstance(value, dict):
            tagged = [m for m in models if kind_of(m) is not None and kind_of(m) == value.get("kind")]
            if tagged:
                return self.section(tagged[0], value, (*place, value["kind"]))
            return object() if len(models) > 1 else self.section(models[0], value, place)
        return object() if any(one[: len(place)] == place for one in self.bad) else value


def sections_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections that a field's type may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from sections_in(inner)


def kind_of(model: type[BaseModel]) -> str | None:
    """The value of `kind` that chooses this section, if one does."""
    kind = model.model_fields.get("kind")
    return None if kind is None else kind.annotation.__args__[0]  # type: ignore[union-attr]
