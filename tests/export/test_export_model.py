"""A tuned captioner as a model folder: linked, with a card of what its training and its evaluation recorded."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from finished_outputs import Export
from huggingface_hub.repocard import metadata_load
from safetensors.numpy import save_file

import flows.export
from cim.atomic import read_json, write_json
from cim.captioners.decoding import Decoding
from cim.captioners.load import captioner_fingerprint
from cim.captions.lineage import Lineage
from cim.captions.write import captions_path, write_captions
from cim.errors import CimError
from cim.layout import Layout
from cim.params import Reward
from cim.params.yaml import dump_yaml
from cim.records import Caption

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def difference(value: float, low: float, high: float, verdict: str) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "images": 10, "verdict": verdict}


METRICS = {
    "images": 10,
    "base": {"retrieval": {"r1": 0.5}},
    "tuned": {"retrieval": {"r1": 0.75}},
    "difference": {"retrieval": {"r1": difference(0.25, 0.125, 0.375, "better")}},
    "absent": {},
}
SHARDS = {
    "splits": {"train": {"images": 1200, "captions": 3400, "shards": 3}},
    "sources": {"coco:annotations/a|b.json": {}},
    "provenance": {"license": {"CC BY 2.0": 1000, "unknown": 200}},
}


def model_folder(folder: Path, weight: float) -> str:
    """Its fingerprint."""
    folder.mkdir(parents=True)
    save_file({"weight": np.full(3, weight)}, folder / "model.safetensors")
    write_json(folder / "config.json", {"architectures": ["SomeForConditionalGeneration"]})
    return captioner_fingerprint(folder)


@pytest.fixture
def workspace(place: Path) -> Layout:
    """A base from the hub, a captioner tuned from it, its captions, metrics and shards; all as flows leave them."""
    layout = Layout(place / "data")
    base, tuned = (
        model_folder(folder, weight) for folder, weight in ((layout.model("captioner"), 1), (layout.tuned, 2))
    )
    hub = {"kind": "hf", "name": "maker/model", "revision": COMMIT}
    card = {"role": "captioner", "fingerprint": base, "made_from": {"captioner": hub}, "license": "apache-2.0"}
    write_json(layout.model("captioner") / "cim.json", card)
    params = {"reward": Reward().model_dump(mode="json"), "steps": 60, "learning_rate": 1e-06, "max_new_tokens": 40}
    made = {"params": params, "steps": 45, "stop_reason": "alarm"}
    write_json(layout.tuned / "cim.json", {"role": "captioner", "fingerprint": tuned, "base": base, "made_from": made})
    judged = {"grc": 0.5, "qir": None}  # None: no caption could be scored
    write_json(layout.tuned.parent / "summary.json", {"base": {"step": 0, **judged}, "best": {"step": 45, **judged}})
    alarm = {"step": 40, "alarm": "clipped", "found": "0.3 | cut"}
    write_json(layout.tuned.parent / "alarms.json", {"alarms": [alarm]})
    table = captions_path(layout.captions("tuned", "eval"), "eval-000000")
    write_captions(table, [Caption("1", "a cat", "stop", 3)], Lineage(tuned, 'Say "it".', Decoding(40)))
    write_json(layout.report / "metrics.json", METRICS)
    write_json(layout.shard_summary, SHARDS)
    return layout


@pytest.fixture
def exporting(workspace: Layout) -> Export:
    def run(**named: Any) -> dict[str, Any]:
        section = {"model": {"model": str(workspace.tuned), "output": "out", **named}, "workspace": str(workspace.root)}
        Path("export.yaml").write_text(dump_yaml({"export": section}))
        return flows.export.export.fn()

    return run


def test_the_card_tells_what_training_and_evaluation_recorded(workspace: Layout, exporting: Export) -> None:
    found = exporting(title="A: title")["model"]
    assert (found["files"], found["linked"]) == (2, 2)
    assert os.path.samefile("out/model.safetensors", workspace.tuned / "model.safetensors")
    front = metadata_load(Path("out/README.md"))
    assert front == {
        "license": "apache-2.0", "base_model": "maker/model", "base_model_relation": "finetune",
        "library_name": "transformers", "pipeline_tag": "image-text-to-text",
        "tags": ["image-captioning", "grpo", "cim"],
    }  # fmt: skip
    card = Path("out/README.md").read_text()
    for told in (
        "# A: title",
        "| base model | maker/model |",
        f"| its revision | `{COMMIT}` |",
        "| its licence | apache-2.0 |",
        "| `train` | 1,200 | 3,400 |",
        "coco:annotations/a\\|b.json",
        "| unknown | 200 |",
        "| `k` | `3` |",
        "| `copied` | `{",
        "| `learning_rate` | `1e-06` |",
        "| steps made | 45 |",
        "| best | 0.5 | no score |",
        "| R@1 | 50.0% | 75.0% | +25.0 | +12.5 to +37.5 | better |",
        "Alarm while training, step 40: clipped, 0.3 \\| cut",
        '"text": "Say \\"it\\"."',
    ):
        assert told in card, told
    assert read_json(Path("out/records/metrics.json")) == METRICS
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "README.md", "cim.json", "config.json", "export.json", "model.safetensors", "records",
    ]  # fmt: skip
    before = Path("out/README.md").stat().st_mtime_ns
    assert exporting(title="A: title")["model"] == found
    assert Path("out/README.md").stat().st_mtime_ns == before


def test_what_is_missing_is_not_recorded(workspace: Layout, exporting: Export) -> None:
    """Another captioner's metrics are no metrics of this one."""
    table = captions_path(workspace.captions("tuned", "eval"), "eval-000000")
    write_captions(table, [Caption("1", "a cat", "stop", 3)], Lineage("another", "Say.", Decoding(40)))
    for path in (workspace.model("captioner") / "cim.json", workspace.tuned.parent / "alarms.json"):
        path.unlink()
    workspace.shard_summary.unlink()
    exporting()
    card = Path("out/README.md").read_text()
    for told in (
        "| base model | not recorded |",
        "| its licence | not recorded |",
        "Images and captions: not recorded.",
        "Its captions against the base's on images held out: not recorded.",
        "Whether training raised alarms is not recorded.",
        "| prompt | not recorded |",
    ):
        assert told in card, told
    assert metadata_load(Path("out/README.md"))["license"] == "unknown"  # type: ignore[index]
    assert not Path("out/records/metrics.json").exists()


def test_what_is_no_tuned_captioner_is_refused(workspace: Layout, exporting: Export) -> None:
    with pytest.raises(CimError, match=r"no cim\.json in .* that names a base"):
        exporting(model=str(workspace.model("captioner")))
    with pytest.raises(CimError, match="expected a Hugging Face model folder"):
        exporting(model="nowhere")
    (workspace.tuned / "config.json").write_text("{}")
    with pytest.raises(CimError, match=r"is not what its cim\.json tells of"):
        exporting()
    (workspace.tuned / "model.safetensors").rename(workspace.tuned / "pytorch_model.bin")
    with pytest.raises(CimError, match=r"no \.safetensors file"):
        exporting()
    assert not Path("out").exists()


def test_both_at_once_and_one_refused_leaves_nothing(workspace: Layout, place: Path) -> None:
    section = {"model": {"model": str(workspace.tuned), "output": "m"}, "dataset": {"shards": "none", "output": "d"}}
    Path("export.yaml").write_text(dump_yaml({"export": section}))
    with pytest.raises(CimError, match="no folder none"):
        flows.export.export.fn()
    assert not Path("m").exists()
    section["dataset"]["output"] = "m"
    Path("export.yaml").write_text(dump_yaml({"export": section}))
    with pytest.raises(CimError, match="give each its own folder"):
        flows.export.export.fn()
