"""COCO-LN500 and DOCCI500: reference captions, lists of objects and attributes, and questions."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from cim.errors import CimError

SetName = Literal["cocoln500", "docci500"]

_REFERENCES: dict[SetName, str] = {"cocoln500": "test_cocoln_500_gt.json", "docci500": "test_docci_500_gt.json"}


@dataclass(frozen=True)
class Benchmark:
    """One set; everything by image id, all four for the same images.

    references: one caption an image. objects: what can be seen, more than the reference says. attributes: by
    object. questions: to expected answers, "Yes" or "No" but for a handful that are neither.
    """

    name: SetName
    references: dict[str, str]
    objects: dict[str, list[str]]
    attributes: dict[str, dict[str, list[str]]]
    questions: dict[str, dict[str, str]]

    @property
    def ids(self) -> list[str]:
        """Image ids, in the order of the references."""
        return list(self.references)

    @property
    def expected(self) -> list[str]:
        """The expected answers of all questions."""
        return [answer for questions in self.questions.values() for answer in questions.values()]


def read_benchmark(name: SetName, folder: Path) -> Benchmark:
    """The set `name` from the files that SC-Captioner (arXiv 2508.06125) publishes.

    Raises CimError for a file that is missing, broken, of another shape, or about other images than the rest.
    """
    benchmark = Benchmark(
        name=name,
        references=_checked(folder / _REFERENCES[name], str),
        objects=_checked(folder / f"{name}_gpt_objects.jsonl", list[str]),
        attributes=_checked(folder / f"{name}_gpt_attributes.json", dict[str, list[str]]),
        questions=_checked(folder / f"questions_{name}.json", dict[str, str]),
    )
    for part in ("objects", "attributes", "questions"):
        other = getattr(benchmark, part).keys() ^ benchmark.references.keys()
        if other:
            raise CimError(
                f"{part} and references of {name} are not of the same images ({len(other)}, such as {min(other)!r})",
                "all files of one set, as published",
                f"copy all files of the set to {folder} again",
            )
    return benchmark


def read_json(path: Path) -> Any:
    """A JSON file, or the objects of a .jsonl file as one. Raises CimError, also where a key is given twice."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".jsonl":
            objects = [_parsed(line) for line in text.split("\n") if line.strip()]
            return _once([pair for one in objects for pair in one.items()])
        return _parsed(text)
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise CimError(
            f"{path} is not readable ({error})", "a JSON file in UTF-8", "mend the path or the file"
        ) from error


def _parsed(text: str) -> Any:
    value = json.loads(text, object_pairs_hook=_once)
    json.dumps(value, ensure_ascii=False).encode()  # a ValueError: half of a surrogate pair is no character
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if twice := [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]:
        raise ValueError(f"{twice[0]!r} is given twice")
    return dict(pairs)


def _checked(path: Path, item: Any) -> Any:
    """The file's entries by image id, each of the type `item`."""
    value = read_json(path)
    try:
        return TypeAdapter(Annotated[dict[str, item], Field(min_length=1)]).validate_python(value, strict=True)
    except ValidationError as error:
        raise CimError(
            f"{path} has another shape than published", "one entry an image id", "copy the file again"
        ) from error
