"""The corpus of benchmarks.downstream, read back from re-captioned shards."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from benchmarks.downstream.corpus import CAPTIONERS, MIX, read_corpus, recaption, seen_scenes
from benchmarks.downstream.exam import fact_key, pixels
from cim.errors import CimError
from cim.params import load_params
from cim.scenes.draw import draw
from cim.scenes.scene import Scene, Thing, scene_at

SCENES = [Scene((Thing("star", color, "small", "plain", 1),), None, "gray", 0) for color in ("red", "blue", "green")]


@pytest.fixture
def shards(tmp_path: Path) -> dict[str, Path]:
    """Three scenes by each captioner, the base one has left the last out; the old and tuned texts mixed."""
    for name in (*CAPTIONERS, MIX):
        (tmp_path / name).mkdir()
        with tarfile.open(tmp_path / name / "00000.tar", "w") as opened:
            for place, scene in enumerate(SCENES[: 2 if name == "base" else 3]):
                facts = {"alt_text": f"old {place}", "original": {"extra": {"scene": scene.graph()}}}
                if name == MIX:
                    facts["texts"] = {"original": f"old {place}", "caption": f"tuned {place}"}
                members = {
                    "png": draw(scene, 32),
                    "txt": f"{name} {place}".encode(),
                    "json": json.dumps(facts).encode(),
                }
                for suffix, content in members.items():
                    info = tarfile.TarInfo(f"00000000{place}.{suffix}")
                    info.size = len(content)
                    opened.addfile(info, io.BytesIO(content))
    return {name: tmp_path / name for name in (*CAPTIONERS, MIX)}


def test_images_that_both_have_captioned_and_nobody_has_seen(shards: dict[str, Path]) -> None:
    found = read_corpus(shards, 1, {fact_key(SCENES[0].graph())})
    assert found.original == ["old 1"]
    assert found.new == {"base": ["base 1"], "tuned": ["tuned 1"]}
    assert (found.mixed, found.members) == (["mix 1"], [["old 1", "tuned 1"]])
    assert np.array_equal(found.pixels[0], pixels(draw(SCENES[1], 32)))
    assert found.keys() == {fact_key(SCENES[1].graph())}
    with pytest.raises(CimError, match="1 captioned scenes that nobody has seen"):
        read_corpus(shards, 2, {fact_key(SCENES[0].graph())})


def test_all_scenes_of_a_workspace_count_as_seen(root: Path) -> None:
    params = load_params(root / "params.yaml")
    few = params.shard.model_copy(update={"sources": [params.shard.sources[0].model_copy(update={"count": 30})]})
    found = seen_scenes(params.model_copy(update={"shard": few}))
    assert found == {fact_key(scene_at(1, index, 0.2).graph()) for index in range(30)}


def test_a_workspace_without_captioners_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text((root / "params.yaml").read_text())
    with pytest.raises(CimError, match="no captioner in"):
        recaption(tmp_path, tmp_path / "work", 3, 64)
    assert not (tmp_path / "work").exists()
