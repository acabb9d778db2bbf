"""YAML 1.2 as DVC reads and writes it: the same values, every key once, and a place for every mistake."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import dumps_yaml, loads_yaml
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import CimError
from cim.params import load_params
from cim.params.load import parse_params
from cim.params.yaml import DEEPEST, dump_yaml, parse_yaml, read_yaml

# What YAML 1.1, which PyYAML reads, takes for something else (but for the last nine), by YAML 1.2's core schema.
VALUES: list[tuple[str, Any]] = [
    ("1e-6", 1e-6),
    ("1e-06", 1e-6),  # how DVC writes it
    ("1e6", 1e6),
    ("1E+20", 1e20),
    ("-.5", -0.5),
    ("010", 10),
    ("0o10", 8),
    ("off", "off"),
    ("on", "on"),
    ("yes", "yes"),
    ("No", "No"),
    ("12:30", "12:30"),
    ("1:2:3", "1:2:3"),
    (".5", 0.5),
    ("+1", 1),
    ("1_000", 1000),
    ("0x1F", 31),
    ("true", True),
    ("~", None),
    ("", None),
    ("'1e-6'", "1e-6"),
    ("'off'", "off"),
]


@pytest.mark.parametrize(("written", "value"), VALUES)
def test_a_value_is_what_dvc_takes_it_for(written: str, value: Any) -> None:
    found = parse_yaml(f"a: {written}", "p.yaml")["a"]
    assert found == value
    assert type(found) is type(value)
    assert found == loads_yaml(f"a: {written}")["a"]


TEXTS = st.sampled_from(["off", "1e-6", "010", "12:30", "~", "=", "<<", "2020-01-01", ".nan", "<|im_end|>", "a: b"])
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
NESTED = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8)


@given(st.dictionaries(TEXTS, NESTED, min_size=1))
def test_what_dvc_or_we_write_is_read_back(values: dict[str, Any]) -> None:
    assert parse_yaml(dumps_yaml(values), "p.yaml") == values
    assert parse_yaml(dump_yaml(values), "p.yaml") == values


@pytest.mark.parametrize("rate", [1e-06, 1e6, 1e-300, 5])
def test_a_learning_rate_that_dvc_wrote(root: Path, tmp_path: Path, rate: float) -> None:
    values = read_yaml(root / "params.yaml")
    values["tune"]["learning_rate"] = rate
    (tmp_path / "params.yaml").write_text(dumps_yaml(values))
    assert load_params(tmp_path / "params.yaml").tune.learning_rate == rate


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("tune.learning_rate=1e-6", 1e-6),
        ("tune.learning_rate=1e6", 1e6),
        ("tune.learning_rate=5", 5.0),
        ("evaluate.java=off", "off"),
        ("evaluate.clip_prefix='12:30'", "12:30"),
        ("tune.activation_checkpointing=true", True),
        ("tune.micro_batch=null", None),
        ("caption.prompts=[yes]", ["yes"]),
    ],
)
def test_what_dvc_exp_run_sets(root: Path, tmp_path: Path, override: str, value: Any) -> None:
    """By the function that `dvc exp run -S` calls; new names need its +."""
    path = tmp_path / "params.yaml"
    path.write_bytes((root / "params.yaml").read_bytes())
    name = override.partition("=")[0]
    section, field = name.split(".")
    known = field in read_yaml(path)[section]
    apply_overrides(path, [override if known else f"+{override}"])
    found = getattr(getattr(load_params(path), section), field)
    assert found == value


WHOLE = [Path("params.yaml"), *sorted(Path("profiles").glob("*.yaml"))]


@pytest.mark.parametrize("name", WHOLE, ids=str)
def test_our_files_outlive_dvc_exp_run(root: Path, tmp_path: Path, name: Path) -> None:
    """It writes the whole file anew, and leaves out quotes that it takes for needless."""
    path = tmp_path / "params.yaml"
    path.write_bytes((root / name).read_bytes())
    before = read_yaml(path)
    apply_overrides(path, ["++runtime.workers=7"])
    assert read_yaml(path) == before | {"runtime": before["runtime"] | {"workers": 7}}


def test_quotes_that_dvc_exp_run_drops(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text('a: 1\nmodel: {name: "package:x"}\n')
    apply_overrides(path, ["a=2"])
    assert "{name: package:x}" in path.read_text()  # DVC itself can't read that either
    with pytest.raises(CimError, match=r"line 2.*text with a colon inside of \{ \} or \[ \] stands in quotes"):
        read_yaml(path)
    path.write_text('a: 1\nmodel:\n  name: "package:x"\n')  # what the message says
    apply_overrides(path, ["a=2"])
    assert read_yaml(path) == {"a": 2, "model": {"name": "package:x"}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("evaluate: {java: false}", r"evaluate\.java: .*found False\); put it in quotes, 'off': YAML 1\.1 takes"),
        ("caption: {prompts: [Describe: it]}", r"caption\.prompts\.0: .*text with a colon and a space .* in quotes"),
        ("caption: {prompts: '[a]'}", r"caption\.prompts: .*leave the quotes out"),
        ("models: {text_encoder: '{name: x}'}", r"models\.text_encoder: .*leave the quotes out"),
        ("index: {factory: no}", r"^(?!.*index\.factory)"),  # a word in YAML 1.2
        ("index: {factory: false}", r"index\.factory: .*put it in quotes"),
    ],
)
def test_what_another_reader_made_of_it(root: Path, text: str, said: str) -> None:
    """Of a params file that another tool, with another YAML, has written; a value that no parameter can be."""
    values = read_yaml(root / "params.yaml") | {"unknown": 1}
    for section, fields in parse_yaml(text, "p").items():
        values[section] = values[section] | fields
    with pytest.raises(CimError) as caught:
        parse_params(values)
    assert re.search(said, caught.value.found, re.S)


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1", 'duplicate key "a"'),
        ("x:\n  - {p: 1, q: 2, p: 3}\n", "line 2, column 18", 'duplicate key "p"'),
        ("a: {b: {c: {d: 1, 'd': 2}}}", "line 1, column 19", 'duplicate key "d"'),
        ("b: &b {a: 1}\nc:\n  <<: *b\n  <<: *b\n", "line 4, column 3", 'duplicate merge key "<<"'),
        ("a: 1\n---\nb: 2\n", "line 2, column 1", "expected a single document"),
        ("a:\n\tb: 1\n", "line 2, column 1", "a tab"),
        ("a: [1\nb: 2", "line 2", "expected ',' or ']'"),
        ("a: 'x", "line 1, column 6", "end of stream"),
        ("a: 1\n b: 2", "line 2, column 3", "not allowed"),
        ("a: *b", "line 1, column 4", "undefined alias"),
        ("a: !!python/name:os.system", "line 1, column 4", "constructor"),
        ("a: =", "line 1, column 4", "constructor"),
        ('a: "\\ud83d"', "line 1, column 7", "invalid Unicode"),  # half of a surrogate pair
        ("{a: 1}: x", "line 1, column 1", "unhashable key"),
        ("a: 1\nb: [1, {c: 2020-13-45}]", "line 2, column 12", "month must be in 1..12"),
        ("a:\n  - " + "9" * 5000, "line 2, column 5", "4300 digits"),
        ("a: !!float x", "line 1, column 4", "could not convert"),
        ("a: \x00", "", "control characters"),
        ("[" * 200_000 + "]" * 200_000, f"column {DEEPEST + 1}", "levels of nesting"),  # would crash the parser
        ("1: x", "", "(top level): the key 1 is no text"),
        ("a: {on: 1, null: 2}", "", "a: the key None is no text"),
        ("a: {b: [0, 2020-01-01]}", "", "a.b.1: 2020-01-01 is read as a date; put it in quotes"),
        ("a: .nan", "", "a: nan is no finite number"),
        ("a: {b: -.inf}", "", "a.b: -inf is no finite number"),
        ("a: !!set {x}", "", "is read as a set"),
        ("a: !!binary 'AAAA'", "", "is read as a bytes"),
        ("a: &a [*a]", "", "aliases that repeat each other"),
        ("a: &a {b: {c: *a}}", "", "aliases that repeat each other"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, place: str, problem: str) -> None:
    with pytest.raises(CimError) as caught:
        parse_yaml(text, "p.yaml")
    assert caught.value.found.startswith("p.yaml can't be read")
    assert place in caught.value.found
    assert problem in caught.value.found
    assert "\n" not in str(caught.value)


def test_aliases_that_mean_a_billion_values() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(CimError, match="aliases that repeat each other"):
        parse_yaml("\n".join(lines), "p.yaml")


def test_ordinary_aliases_and_merges_are_read() -> None:
    text = "base: &base {seed: 1, width: 2}\nother: {<<: *base, width: 3}\nagain: *base\n"
    assert parse_yaml(text, "p") == {
        "base": {"seed": 1, "width": 2},
        "other": {"seed": 1, "width": 3},
        "again": {"seed": 1, "width": 2},
    }


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(CimError):
        parse_yaml(text, "p.yaml")


class TestFiles:
    @pytest.mark.parametrize("content", [b"a: 1e-6\n", b"\xef\xbb\xbfa: 1e-6\r\n", b"%YAML 1.2\n---\na: 1e-6"])
    def test_marks_and_line_ends_are_no_mistake(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "p.yaml").write_bytes(content)
        assert read_yaml(tmp_path / "p.yaml") == {"a": 1e-6}

    @pytest.mark.parametrize("content", [b"", b"# a remark\n", b"---\n", b"~\n"])
    def test_empty(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "p.yaml").write_bytes(content)
        with pytest.raises(CimError, match=r"p\.yaml is empty"):
            read_yaml(tmp_path / "p.yaml")

    def test_not_to_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "p.yaml").write_bytes("a: 1".encode("utf-16"))
        for path in (tmp_path, tmp_path / "none.yaml", tmp_path / "p.yaml", tmp_path / "p.yaml/inner"):
            with pytest.raises(CimError, match="no readable YAML file"):
                read_yaml(path)
