"""Corpora without shards of their own: folders, Parquet, Hugging Face directories, cut into parts."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_files import first, picture, plan, read

from cim.errors import CimError


def texts(corpus: dict[str, Any], folder: Path, samples: int) -> list[list[str | None]]:
    return [[first(item) for item in items] for items in read(plan(corpus, samples), folder / "copies")]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five images in two folders, with captions beside some."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for number, name in enumerate(("b.png", "a.png", "deep/c.png", "deep/d.png", "e.png")):
        (folder / name).write_bytes(picture(number))
    (folder / "a.txt").write_text("text of a")
    (folder / "b.json").write_text('{"caption": "json of b", "licence": "CC0"}')
    (folder / "deep/c.txt").write_bytes(b"caf\xe9")
    return folder


class TestFolder:
    def test_is_cut_in_the_order_of_names(self, photos: Path, tmp_path: Path) -> None:
        parts = plan({"kind": "folder", "path": str(photos)}, 2)
        assert [(part.name, part.images) for part in parts.values()] == [
            ("photos[0:2]", 2), ("photos[2:4]", 2), ("photos[4:6]", 1),
        ]  # fmt: skip
        found = [item for items in read(parts, tmp_path / "copies") for item in items]
        assert [item.name for item in found] == ["a.png", "b.png", "deep/c.png", "deep/d.png", "e.png"]
        assert [item.image for item in found] == [picture(shade) for shade in (1, 0, 2, 3, 4)]
        assert [item.captions for item in found] == [("text of a",), ("json of b",), (), (), ()]
        assert found[1].facts == {"caption": "json of b", "licence": "CC0"}
        assert [item.problem for item in found] == [None] * 5
        assert found[2].lost == (("caption is not UTF-8", "caf\\xe9"),)

    def test_takes_captions_from_a_csv(self, photos: Path, tmp_path: Path) -> None:
        (tmp_path / "captions.csv").write_text("file_name,caption\na.png,first\na.png,second\ndeep/d.png,of d\n")
        assert texts({"kind": "folder", "path": str(photos)}, tmp_path, 9) == [
            ["first", "json of b", None, "of d", None]
        ]

    def test_another_image_or_text_is_another_part_and_no_other(self, photos: Path) -> None:
        corpus = {"kind": "folder", "path": str(photos)}
        before = [part.identity() for part in plan(corpus, 2).values()]
        (photos / "deep/d.png").write_bytes(picture(99))
        changed = [part.identity() for part in plan(corpus, 2).values()]
        assert [a == b for a, b in zip(before, changed, strict=True)] == [True, False, True]

    def test_a_name_too_long_for_anything_beside_it_is_fine(self, photos: Path, tmp_path: Path) -> None:
        name = "x" * 251 + ".png"  # 255, as long as a file's name may be; .json is one longer
        (photos / name).write_bytes(picture(7))
        *_, last = read(plan({"kind": "folder", "path": str(photos)}), tmp_path / "copies")[0]
        assert (last.name, last.image, last.problem) == (name, picture(7), None)

    def test_without_images_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(CimError, match="no image"):
            plan({"kind": "folder", "path": str(tmp_path / "empty")})


class TestParquet:
    @pytest.mark.parametrize("row_group", [1, 3, 100])
    def test_is_cut_whatever_its_row_groups(self, tmp_path: Path, row_group: int) -> None:
        table = pa.table(
            {"image": [picture(n) for n in range(7)], "alt": [f"alt {n}" for n in range(7)], "n": range(7)}
        )
        pq.write_table(table, tmp_path / "a.parquet", row_group_size=row_group)
        corpus = {"kind": "parquet", "path": str(tmp_path / "a.parquet"), "caption": "alt"}
        parts = plan(corpus, 3)
        assert [part.name for part in parts.values()] == ["a.parquet[0:3]", "a.parquet[3:6]", "a.parquet[6:7]"]
        found = read(parts, tmp_path / "copies")
        assert [[item.facts["n"] for item in items] for items in found] == [[0, 1, 2], [3, 4, 5], [6]]
        assert [item.image for items in found for item in items] == [picture(n) for n in range(7)]
        assert [first(item) for item in found[1]] == ["alt 3", "alt 4", "alt 5"]
        assert found[1][0].name == "a.parquet:3"

    def test_of_paths_and_of_structs(self, tmp_path: Path) -> None:
        (tmp_path / "x.png").write_bytes(picture(1))
        cells = [
            {"bytes": None, "path": "x.png"},
            {"bytes": picture(2), "path": "gone.JPG"},
            {"bytes": None, "path": "no"},
        ]
        for name, column in (("paths", ["x.png", "y.png", None]), ("structs", cells)):
            pq.write_table(pa.table({"picture": column}), tmp_path / f"{name}.parquet")
        corpus = {"kind": "parquet", "path": f"{tmp_path}/{{paths,structs}}.parquet", "image": "picture"}
        paths, structs = read(plan(corpus), tmp_path / "copies")
        assert [item.image for item in paths] == [picture(1), None, None]
        assert [item.problem and item.problem[0].value for item in paths] == [
            None, "unreadable file", "sample without image",
        ]  # fmt: skip
        assert [(item.image, item.suffix) for item in structs] == [(picture(1), "png"), (picture(2), "jpg"), (None, "")]

    def test_numbers_that_json_has_no_name_for_are_left_out(self, tmp_path: Path) -> None:
        values = [0.5, float("nan"), float("inf"), -float("inf")]
        pq.write_table(pa.table({"image": [picture(n) for n in range(4)], "p": values}), tmp_path / "a.parquet")
        (found,) = read(plan({"kind": "parquet", "path": str(tmp_path / "a.parquet")}), tmp_path / "copies")
        assert [item.facts for item in found] == [{"p": 0.5}, {}, {}, {}]
        assert [item.problem for item in found] == [None] * 4

    def test_text_that_is_not_utf8_costs_its_own_row_only(self, tmp_path: Path) -> None:
        bad = pa.array([b"fine", b"caf\xe9"], pa.binary()).view(pa.string())
        pq.write_table(pa.table({"image": [picture(1), picture(2)], "alt": bad}), tmp_path / "a.parquet")
        corpus = {"kind": "parquet", "path": str(tmp_path / "a.parquet"), "caption": "alt"}
        ((good, other),) = read(plan(corpus), tmp_path / "copies")
        assert (good.captions, good.lost) == (("fine",), ())
        assert (other.captions, other.lost) == ((), (("caption is not UTF-8", "caf\\xe9"),))

    def test_without_the_columns_named_is_an_error(self, tmp_path: Path) -> None:
        pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
        with pytest.raises(CimError, match="no column 'image'"):
            plan({"kind": "parquet", "path": str(tmp_path / "a.parquet")})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A DatasetDict as save_to_disk writes it: images decoded by the library, five rows in two files."""
    rows = {
        "image": [{"bytes": picture(n), "path": f"{n}.png"} for n in range(5)],
        "text": [f"t {n}" for n in range(5)],
    }
    features = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")})
    made = datasets.DatasetDict({"train": datasets.Dataset.from_dict(rows, features=features)})
    made.save_to_disk(tmp_path / "saved", num_shards={"train": 2})
    return tmp_path / "saved"


class TestHuggingFace:
    def test_what_save_to_disk_wrote(self, saved: Path, tmp_path: Path) -> None:
        corpus = {"kind": "huggingface", "path": str(saved), "split": "train", "caption": "text"}
        assert texts(corpus, tmp_path, 2) == [["t 0", "t 1"], ["t 2"], ["t 3", "t 4"]]  # no part spans two files
        found = [item for items in read(plan(corpus), tmp_path / "copies") for item in items]
        assert [item.image for item in found] == [picture(n) for n in range(5)]

    def test_one_dataset_needs_no_split(self, saved: Path, tmp_path: Path) -> None:
        assert len(plan({"kind": "huggingface", "path": str(saved / "train")})) == 2

    def test_downloaded_parquet_files_by_split(self, tmp_path: Path) -> None:
        folder = tmp_path / "repo/data"
        folder.mkdir(parents=True)
        (tmp_path / "repo/repo.py").write_text("raise SystemExit('a script was run')")
        for split in ("train", "test"):
            table = pa.table({"image": [{"bytes": picture(1), "path": "1.png"}], "text": [split]})
            pq.write_table(table, folder / f"{split}-00000-of-00001.parquet")
        corpus = {"kind": "huggingface", "path": str(tmp_path / "repo"), "split": "test", "caption": "text"}
        assert texts(corpus, tmp_path, 9) == [["test"]]

    def test_an_unknown_split_is_an_error(self, saved: Path) -> None:
        with pytest.raises(CimError, match=r"splits \['train'\]"):
            plan({"kind": "huggingface", "path": str(saved), "split": "test"})

    def test_rows_chosen_by_an_index_are_an_error(self, saved: Path) -> None:
        state = json.loads((saved / "train/state.json").read_text()) | {
            "_indices_data_files": [{"filename": "i.arrow"}]
        }
        (saved / "train/state.json").write_text(json.dumps(state))
        with pytest.raises(CimError, match="chosen by an index"):
            plan({"kind": "huggingface", "path": str(saved / "train")})


@pytest.mark.slow
def test_a_row_group_as_large_as_its_file_is_not_read_at_once(tmp_path: Path, root: Path) -> None:
    """800 rows of 200 kB in one row group, 16 a page. 70 MiB were measured, most of it Arrow's code; else 230."""
    noise = random.Random(0)
    table = pa.table({"image": [noise.randbytes(200_000) for _ in range(800)]})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=800, write_batch_size=16, use_dictionary=False)
    command = [sys.executable, str(root / "tests/readers/reading_table.py"), str(tmp_path / "x.parquet")]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(root)}, check=True, stdout=subprocess.PIPE)
    assert int(done.stdout) < 110 * 2**20
