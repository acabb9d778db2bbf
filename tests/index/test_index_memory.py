"""Estimates against what FAISS writes, what is left by the kernel's files, and the refusal with its numbers."""

import faiss
import numpy as np
import pytest

from cim.errors import CimError
from cim.index import memory
from cim.index.build import build_items, build_space
from cim.index.memory import available_bytes, check_memory, index_bytes
from cim.index.presets import make
from cim.params.retrieval import Index

MIB = 2**20


@pytest.mark.parametrize(
    "factory",
    ["HNSW32,SQ8", "HNSW8", "IVF16,PQ16x4fs", "IVF16,PQ8x4", "IVF16,Flat", "IVF16,SQ8,RFlat", "SQfp16", "PCA16,Flat"],
)
def test_estimates_are_near_what_faiss_writes(factory):
    vectors = np.random.default_rng(0).normal(size=(3000, 32)).astype(np.float32)
    index = make(factory, 32)
    estimate = index_bytes(index, 3000)
    index.train(vectors)
    index.add(vectors)
    assert estimate == pytest.approx(faiss.serialize_index(index).nbytes, rel=0.15)


def test_by_hand(monkeypatch):
    # 1,000,000 x 768 in HNSW32: 4 x 768 bytes a vector, 64 links of 4 bytes, 4 for their count, 12 around it
    assert index_bytes(make("HNSW32", 768), 1_000_000) == 1_000_000 * (3072 + 256 + 4 + 12)
    monkeypatch.setattr(memory, "available_bytes", lambda: 2000 * MIB)
    with pytest.raises(CimError) as error:
        check_memory("clip (HNSW32)", make("HNSW32", 768), 1_000_000, 768)
    # 3,344,000,000 bytes are 3,189 MiB; two blocks of 100 MiB and 150 bytes an id are 343 MiB; nothing is trained
    for number in (
        "2,000 MiB of memory available to build clip (HNSW32) over 1,000,000 x 768",
        "3,532 MiB",
        "3,189 MiB for the index",
        "0 MiB for training",
        "343 MiB for a block of rows and the ids",
    ):
        assert number in str(error.value)
    check_memory("clip (Flat)", None, 1_000_000, 768)  # exact search needs the blocks only


def test_training_counts(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1500 * MIB)
    with pytest.raises(CimError, match=r"1,758 MiB for training"):  # 3 x 200,000 x 768 x 4 bytes
        check_memory("clip", make("IVF64,PQ8", 768), 1_000_000, 768)


def test_a_build_is_refused_before_anything_is_written(layout, embed, monkeypatch):
    embed("image", "gallery", [([f"g{n}" for n in range(40)], np.random.default_rng(0).normal(size=(40, 8)))])
    build_items(layout, ["gallery"], 3)
    monkeypatch.setattr(memory, "available_bytes", lambda: 10 * MIB)
    with pytest.raises(CimError, match=r"10 MiB of memory available to build clip \(HNSW32,SQ8\) over 40 x 8"):
        build_space(layout, "clip", Index(factory="hnsw"), 3)
    assert not layout.index("clip").exists()


@pytest.fixture
def group(tmp_path, monkeypatch):
    """group(version, path, limit, usage, cache): a control group's files; returns what is available."""
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: type("Memory", (), {"available": 900 * MIB}))

    def make_group(version, path, limit, usage, cache, below=""):
        groups, proc = tmp_path / "groups", tmp_path / "cgroup"
        controllers, root, names = {
            1: (
                "4:memory",
                groups / "memory",
                ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
            ),
            2: ("0:", groups, ("memory.max", "memory.current", "inactive_file")),
        }[version]
        proc.write_text(f"9:cpu:/x\n{controllers}:{path}{below}\n")
        folder = groups / root / path.lstrip("/")
        folder.mkdir(parents=True)
        (folder / names[0]).write_text(f"{limit}\n")
        (folder / names[1]).write_text(f"{usage}\n")
        (folder / "memory.stat").write_text(f"anon 1\n{names[2]} {cache}\n")
        return available_bytes(proc, groups)

    return make_group


@pytest.mark.parametrize("version", [1, 2])
def test_a_lower_limit_of_the_group_counts(group, version):
    # 500 may be used, 300 are, 100 of those are droppable page cache: 300 are left
    assert group(version, "/box/job", 500 * MIB, 300 * MIB, 100 * MIB) == 300 * MIB


def test_a_limit_of_a_group_above_or_seen_from_inside_counts(group):
    assert group(2, "/box", 500 * MIB, 300 * MIB, 0, below="/inner") == 200 * MIB


def test_a_higher_limit_does_not_count(group):
    assert group(1, "/", 2**63, 300 * MIB, 0) == 900 * MIB


def test_no_limit(group):
    assert group(2, "/box", "max", 300 * MIB, 0) == 900 * MIB


def test_without_groups(tmp_path):
    assert available_bytes(tmp_path / "none", tmp_path) > 0
