"""Sets and submissions read from files, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from small_set import OBJECTS, QUESTIONS, REFERENCES, write_set

from cim.detailed.benchmark import read_benchmark
from cim.detailed.submission import read_submission
from cim.errors import CimError


class TestBenchmark:
    def test_all_four_files(self, small: Path) -> None:
        benchmark = read_benchmark("cocoln500", small)
        assert benchmark.ids == ["1", "2", "3"]
        assert benchmark.objects == OBJECTS
        assert benchmark.questions == QUESTIONS

    def test_a_missing_file(self, small: Path) -> None:
        (small / "questions_cocoln500.json").unlink()
        with pytest.raises(CimError, match="questions_cocoln500"):
            read_benchmark("cocoln500", small)

    @pytest.mark.parametrize(
        "planted",
        [
            {"references": {"1": 5, "2": "", "3": ""}},
            {"references": {}},
            {"references": ["a"]},
            {"objects": {"1": "dog", "2": [], "3": []}},
            {"attributes": {"1": {"dog": "brown"}, "2": {}, "3": {}}},
            {"questions": {"1": ["Is it?"], "2": {}, "3": {}}},
        ],
    )
    def test_another_shape(self, tmp_path: Path, planted: dict[str, Any]) -> None:
        with pytest.raises(CimError, match="another shape"):
            read_benchmark("cocoln500", write_set(tmp_path, **planted))

    def test_other_images(self, tmp_path: Path) -> None:
        with pytest.raises(CimError, match=r"not of the same images \(1, such as '3'\)"):
            read_benchmark("cocoln500", write_set(tmp_path, questions={"1": {}, "2": {}}))


class TestSubmission:
    def read(self, folder: Path, captions: Any) -> Any:
        path = folder / "mine.json"
        path.write_text(json.dumps(captions))
        return read_submission(path, list(REFERENCES))

    def test_missing_empty_and_unknown(self, tmp_path: Path) -> None:
        found = self.read(tmp_path, {"1.jpg": "A dog.", "2": "  ", "9": "Who knows."})
        assert found.captions == {"1": "A dog.", "2": "  ", "3": ""}
        assert (found.name, found.missing, found.unknown) == ("mine", ["2", "3"], ["9"])

    @pytest.mark.parametrize(
        ("captions", "message"),
        [
            (["a"], "something else"),
            ({"1": 5}, "something else"),
            ({"8": "a", "9": "b"}, "no id of the set"),
            ({}, "no id of the set"),
            ({"1": "a", "1.png": "b"}, "twice"),
        ],
    )
    def test_refused(self, tmp_path: Path, captions: Any, message: str) -> None:
        with pytest.raises(CimError, match=message):
            self.read(tmp_path, captions)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b'{"1": "a", "2": "b", "1": "c"}', "'1' is given twice"),
            (rb'{"1": "half \ud83d"}', "surrogates not allowed"),
            (b'{"1": "caf\xe9"}', "not readable"),
            (b"[" * 100_000, "recursion"),
            (b'{"1": "a", "2": ' + b"9" * 5000 + b"}", "4300 digits"),
            (b"", "not readable"),
        ],
    )
    def test_odd_json(self, tmp_path: Path, content: bytes, message: str) -> None:
        (tmp_path / "a.json").write_bytes(content)
        with pytest.raises(CimError, match=message):
            read_submission(tmp_path / "a.json", ["1"])

    @pytest.mark.parametrize("ending", ["json", "jsonl"])
    def test_a_mark_and_odd_line_ends_are_no_mistake(self, tmp_path: Path, ending: str) -> None:
        content = '\ufeff{"1": "a\u2028b \\ud83d\\ude00"}\r\n'  # U+2028 ends a line for Python, not for JSON
        (tmp_path / f"a.{ending}").write_bytes(content.encode())
        assert read_submission(tmp_path / f"a.{ending}", ["1"]).captions == {"1": "a\u2028b 😀"}

    def test_an_id_on_two_lines(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text('{"1": "a"}\n\n{"1": "b"}\n')
        with pytest.raises(CimError, match="'1' is given twice"):
            read_submission(tmp_path / "a.jsonl", ["1"])

    def test_not_json(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_text("{")
        with pytest.raises(CimError, match="not readable"):
            read_submission(tmp_path / "a.json", ["1"])
