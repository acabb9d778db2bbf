"""Read params.yaml; report every unknown name, wrong type and contradiction in one message."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError, model_validator

from cim.errors import CimError
from cim.params.base import Section
from cim.params.caption import CaptionParams, Evaluate
from cim.params.contradictions import LenientParser, kind_of, sections_in
from cim.params.language import InLanguage
from cim.params.models import Models
from cim.params.retrieval import Embed, Index
from cim.params.runtime import Runtime
from cim.params.sources import Shard
from cim.params.tune import Tune
from cim.params.yaml import read_yaml

Whole = TypeVar("Whole", bound=Section)

LONGEST = 200
"""Characters of a wrong value that are shown."""

WORDS = {True: ("on", "yes", "y"), False: ("off", "no", "n")}
"""What YAML 1.1 reads as a boolean, and YAML 1.2 as text."""

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


class Params(InLanguage):
    """The whole of params.yaml: one section a stage, plus runtime and the language of captions."""

    runtime: Runtime
    shard: Shard
    models: Models
    embed: Embed
    index: Index
    tune: Tune
    caption: CaptionParams
    evaluate: Evaluate

    @model_validator(mode="after")
    def _all_splits_filled(self) -> "Params":
        filled = {split for source in self.shard.sources for split in source.splits or {}}
        needed = {"gallery", "train", "validation", "target", "eval"} | set(self.index.splits)
        if missing := sorted(needed - filled):
            raise ValueError(f"no source in shard.sources feeds the splits {missing}")
        return self

    @model_validator(mode="after")
    def _captioners_are_here(self) -> "Params":
        if self.caption.engine == "endpoint":
            raise ValueError("caption.engine endpoint: captioners are folders here; flows.recaption has it")
        return self

    @model_validator(mode="after")
    def _ranks_share_a_step(self) -> "Params":
        ranks, captions = self.runtime.train.size, self.tune.prompts_per_step * self.tune.generations
        if captions % ranks:
            raise ValueError(f"the {captions} captions of a step of tune are not shared evenly by {ranks} processes")
        elif ranks > 1 and self.tune.micro_batch is not None and captions // ranks % self.tune.micro_batch:
            raise ValueError(
                f"tune.micro_batch {self.tune.micro_batch} does not divide the {captions // ranks} captions that each"
                f" of {ranks} processes has of a step"
            )
        return self

    @model_validator(mode="after")
    def _shards_have_one_precision(self) -> "Params":
        strategy, precision = self.runtime.train.strategy, self.tune.precision
        if precision in ("bfloat16", "8bit", "4bit") and strategy in ("fsdp", "zero3"):
            raise ValueError(
                f"tune.precision {precision} with runtime.train.strategy {strategy}, which shards weights of 32 bits:"
                " set precision auto, or strategy ddp or zero2"
            )
        return self

    @model_validator(mode="after")
    def _attends_where_it_can(self) -> "Params":
        if self.tune.attention == "flash_attention_2" and self.runtime.device == "cpu":
            raise ValueError("tune.attention flash_attention_2 with runtime.device cpu: it needs a GPU; set sdpa")
        return self

    @model_validator(mode="after")
    def _asks_nothing_of_english_alone(self) -> "Params":
        if self.spoken.code == "en":
            return self
        wrong, questions = [], self.tune.reward.terms.answers
        if any(source.kind == "scenes" for source in self.shard.sources):
            wrong.append("shard.sources of kind scenes, whose captions are English")
        if self.evaluate.parser in ("scenes", "spacy", "t5"):
            wrong.append(f"evaluate.parser {self.evaluate.parser}, which reads English: set auto or off")
        if questions is not None and questions.questions.kind == "scenes":
            wrong.append("tune.reward.terms.answers with questions of kind scenes, which are English")
        if questions is not None and questions.questions.kind == "file" and self.spoken.questions is None:
            wrong.append("tune.reward.terms.answers, whose model is asked in languages of cim/languages only")
        if self.evaluate.objects is not None and self.spoken.denials is None:
            wrong.append("evaluate.objects, whose metrics need words of denial that cim/languages does not have")
        if wrong:
            raise ValueError("; ".join(f"language {self.language} with {one}" for one in wrong))
        return self

    @model_validator(mode="after")
    def _held_out(self) -> "Params":
        if self.models.image_encoder == self.models.heldout_encoder and not self.evaluate.allow_same_encoder:
            raise ValueError(
                "models.heldout_encoder equals image_encoder; evaluation needs another one (other seed, size or"
                " weights), unless evaluate.allow_same_encoder is true"
            )
        return self


def load_params(path: Path) -> Params:
    """Params from a YAML file; errors as in `load_section`."""
    return load_section(path, Params)


def load_section(path: Path, model: type[Whole], overrides: Mapping[str, Any] | None = None) -> Whole:
    """A YAML file, read as DVC reads it, that is one `model`. overrides: values in place of the file's, by dotted name.

    Raises CimError naming every mistake, each with the nearest valid name or the expected value.
    """
    values = read_yaml(path)
    for name, value in (overrides or {}).items():
        values = _with(values, name.split("."), value)
    return parse_section(values, model, str(path))


def parse_params(values: Any, name: str = "params") -> Params:
    """Params from already parsed YAML; `name` is used in messages. Raises CimError."""
    return parse_section(values, Params, name)


def _with(values: Any, names: list[str], value: Any) -> Any:
    """`values` with one inner value replaced; what is no mapping on the way becomes one."""
    if not names:
        return value
    kept = dict(values) if isinstance(values, dict) else {}
    return kept | {names[0]: _with(kept.get(names[0]), names[1:], value)}


def parse_section(values: Any, model: type[Whole], name: str) -> Whole:
    """A `model` from already parsed YAML; `name` is used in messages. Raises CimError."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = _lines(values, error, model)
        raise CimError(
            f"{len(lines)} problem(s) in {name}:\n  " + "\n  ".join(lines) + "\n",
            "values as described by `python -m flows.<step> --help`",
            "mend all of them and run again",
        ) from error


def _lines(values: Any, error: ValidationError, model: type[Section]) -> list[str]:
    """One line a mistake: those pydantic found, and the contradictions it does not look for beside them."""
    problems: list[Any] = error.errors()
    lines = [_line(problem, model) for problem in problems]
    if isinstance(values, dict):
        known = [p["loc"] for p in problems if p["type"] not in ("extra_forbidden", "value_error")]
        lenient = LenientParser(known)
        lenient.section(model, values, ())
        lines += [f"{_where(place)}: Value error, {text}" for place, text in lenient.found]
    return list(dict.fromkeys(lines))


def _where(place: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in place) or "(top level)"


def _line(problem: Any, model: type[Section]) -> str:
    where = _where(problem["loc"])
    if problem["type"] == "extra_forbidden":
        name = str(problem["loc"][-1])
        near = difflib.get_close_matches(name, _names_at(problem["loc"][:-1], model), n=1)
        return f"{where}: unknown name" + (f"; did you mean {near[0]!r}?" if near else "")
    found = "" if problem["type"] in ("missing", "value_error") else f" (found {_shown(problem['input'])})"
    return f"{where}: {problem['msg']}{found}{_hint(problem)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def _hint(problem: Any) -> str:
    """How to write what was probably meant: words that YAML 1.1 takes for booleans, quotes too many or too few."""
    kind, value = problem["type"], problem["input"]
    if kind == "bool_type" and str(value).lower() in ("yes", "no", "on", "off", "y", "n"):
        return f"; {value} is a word in YAML 1.2: write true or false"
    if kind in ("int_type", "float_type") and isinstance(value, str) and NUMBER.fullmatch(value):
        return "; leave the quotes out"
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "; put it in quotes"
    if kind == "literal_error" and isinstance(value, bool):
        words = [word for word in WORDS[value] if f"'{word}'" in problem["ctx"]["expected"]]
        return f"; put it in quotes, '{words[0]}': YAML 1.1 takes the bare word for {value}" if words else ""
    if kind == "string_type" and isinstance(value, dict):
        return "; text with a colon and a space in it stands in quotes"
    if kind in ("list_type", "dict_type", "model_type") and str(value).startswith(("[", "{")):
        return "; leave the quotes out"
    return ""


def _names_at(location: tuple[Any, ...], whole: type[Section]) -> list[str]:
    """Valid field names of the section that `location` leads to."""
    models: list[type[BaseModel]] = [whole]
    for part in location:
        following = [
            m
            for model in models
            if part in model.model_fields
            for m in sections_in(model.model_fields[part].annotation)
        ]
        tagged = [m for m in models if kind_of(m) == part]
        models = following or tagged or models  # list positions leave the candidates as they are
    return sorted({name for model in models for name in model.model_fields})
