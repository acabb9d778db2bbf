"""Plan, task and what a changed plan leaves behind. Prefect's part: tests/end_to_end."""

from dataclasses import replace
from pathlib import Path

import pytest
from fake_encoders import ShadeEncoder, embed_one, job_in, write_card, write_shard

import tasks.embed
from cim.embeddings.plan import EmbedJob, JobGroup, plan_embeddings, prune, wanted_splits
from cim.errors import CimError
from cim.layout import Layout
from cim.params import Runtime
from cim.shards.read import read_samples
from cim.shards.tar import write_tar
from tasks.embed import embed_task

ROLES = ("text", "image", "heldout")
RUNTIME = Runtime(device="cpu", torch_threads=1)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "data")
    for split in ("gallery", "train", "validation", "eval"):
        for number in range(2):
            write_shard(layout.shards(split) / f"{split}-{number:06d}.tar", [number + 1, len(split)])
    for role in ROLES:
        write_card(layout, role)
    return layout


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders from which an encoder is loaded, in order; nothing is loaded yet."""
    import cim.encoders.load

    found: list[Path] = []

    def load(folder: Path, device: str, outputs: Path | None = None) -> ShadeEncoder:
        found.append(folder)
        return ShadeEncoder()

    monkeypatch.setattr(cim.encoders.load, "load_image_tower", load)
    monkeypatch.setattr(cim.encoders.load, "load_text_encoder", load)
    tasks.embed._loaded.cache_clear()
    return found


def planned(layout: Layout, *retrieved: str) -> dict[tuple[str, str], list[EmbedJob]]:
    return plan_embeddings(layout, wanted_splits(retrieved or ("gallery",)))


class TestPlan:
    def test_who_embeds_what(self) -> None:
        assert wanted_splits(["gallery", "train"]) == {
            "text": ["gallery", "train"],
            "image": ["gallery", "train", "validation", "eval"],
            "heldout": ["eval"],
        }

    def test_a_job_a_shard(self, layout: Layout) -> None:
        plan = planned(layout)
        assert list(plan) == [
            ("text", "gallery"),
            *(("image", split) for split in ("gallery", "train", "validation", "eval")),
            ("heldout", "eval"),
        ]
        assert [str(job) for job in plan["text", "gallery"]] == [f"gallery-00000{n}.tar (text)" for n in range(2)]
        assert {job.encoder for jobs in plan.values() for job in jobs} == {"shade-1"}

    def test_one_role_needs_no_other_encoder(self, layout: Layout) -> None:
        (layout.model("heldout") / "cim.json").unlink()
        plan = plan_embeddings(layout, {"text": ["gallery"]})
        assert list(plan) == [("text", "gallery")]

    def test_other_captions_count_for_images_too(self, layout: Layout) -> None:
        """So index and tuning know them in every space: the guard `copied` reads the gallery's captions."""
        (before, *_) = [job.fingerprint() for job in planned(layout)["image", "gallery"]]
        shard = layout.shards("gallery") / "gallery-000000.tar"
        samples = [replace(sample, captions=("other words",)) for sample in read_samples(shard)]
        write_tar(shard, samples)
        (after, *_) = [job.fingerprint() for job in planned(layout)["image", "gallery"]]
        assert after != before

    def test_everything_must_be_there_before_any_work(self, layout: Layout) -> None:
        (layout.model("heldout") / "cim.json").unlink()
        with pytest.raises(CimError, match=r"no cim\.json"):
            planned(layout)
        write_card(layout, "heldout")
        with pytest.raises(CimError, match="no shard"):
            planned(layout, "gallery", "target")

    def test_prune_keeps_what_is_planned(self, layout: Layout) -> None:
        plan = planned(layout)
        for jobs in plan.values():
            for job in jobs:
                embed_one(job, ShadeEncoder(), 8)
        root = layout.root / "embeddings"
        kept = sorted(path for path in root.rglob("*") if path.is_file())
        stray = [
            layout.embeddings("text", "train") / "train-000000.npy",  # a split no longer wanted
            layout.embeddings("image", "eval") / "eval-000009.npy",  # a shard that is gone
            layout.embeddings("image", "eval") / ".eval-000000.npy.x1.npy",  # of a killed run
        ]
        for path in stray:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"")
        prune(layout, plan)
        assert sorted(path for path in root.rglob("*") if path.is_file()) == kept
        assert not layout.embeddings("text", "train").exists()

    def test_prune_leaves_other_roles_alone(self, layout: Layout) -> None:
        """Another process may be embedding them."""
        theirs = layout.embeddings("heldout", "eval") / ".eval-000000.npy.x1.npy"
        theirs.parent.mkdir(parents=True)
        theirs.write_bytes(b"")
        prune(layout, plan_embeddings(layout, {"text": ["gallery"]}))
        assert theirs.exists()

    def test_prune_of_nothing(self, layout: Layout) -> None:
        prune(layout, planned(layout))


class TestTask:
    def test_an_encoder_is_loaded_once_and_only_for_work(self, layout: Layout, loads: list[Path]) -> None:
        jobs = planned(layout)["image", "gallery"]
        embed_task.fn(JobGroup(tuple(jobs)), 8, RUNTIME)
        facts = [job.done() for job in jobs]
        assert None not in facts
        assert loads == [layout.model("image")]
        tasks.embed._loaded.cache_clear()
        assert embed_task.fn(JobGroup(tuple(jobs)), 3, RUNTIME).done == 2
        assert [job.done() for job in jobs] == facts
        assert loads == [layout.model("image")]

    def test_a_changed_encoder_is_redone(self, layout: Layout, loads: list[Path]) -> None:
        (first, *_) = planned(layout)["image", "gallery"]
        embed_task.fn(JobGroup((first,)), 8, RUNTIME)
        write_card(layout, "image", "shade-2")
        (again, *_) = planned(layout)["image", "gallery"]
        assert again.done() is None

    def test_an_encoder_that_changes_meanwhile(self, layout: Layout, loads: list[Path]) -> None:
        with pytest.raises(CimError, match="changed while embedding"):
            embed_task.fn(JobGroup((job_in(layout, encoder="shade-2"),)), 8, RUNTIME)
