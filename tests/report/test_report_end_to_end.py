"""From files on disk to metrics.json and report.html, with judges that need no model."""

import json
from pathlib import Path

import polars as pl
import pytest
from full_disk import full_beyond
from three_images import IDS, TUNED, caption, encode, score

from cim.atomic import read_json, write_json
from cim.captions.write import rejects_path, write_rejects
from cim.disk import disk_trouble
from cim.errors import CimError
from cim.layout import Layout
from cim.metrics.evalset import read_eval_set
from cim.metrics.heldout import judge_held_out
from cim.metrics.judge import check_held_out, identities
from cim.metrics.pool import Pool
from cim.metrics.references import ReferenceAgreement
from cim.metrics.scenes import KINDS, Counts
from cim.params import load_params
from cim.records import Reject
from cim.report.table import table
from tasks.evaluate import print_table, write_report


def test_the_whole_evaluation(layout, capsys):
    params = load_params(Path(__file__).parents[2] / "params.yaml")
    evaluated = read_eval_set(layout)
    assert evaluated.ids == IDS
    judged = {"retrieval": judge_held_out(evaluated, Pool.open(layout), encode), "reward": identities(evaluated, score)}
    # base: no colour ties with all (last), blank is last; tuned: each colour finds its own
    assert {name: found.ranks.tolist() for name, found in judged["retrieval"].items()} == {
        "base": [3, 3, 3],
        "tuned": [1, 1, 1],
    }
    metrics = write_report.fn(layout, judged, evaluated, params)
    assert read_json(layout.report / "metrics.json") == json.loads(json.dumps(metrics))
    # two images have ground truth: base says 2 of 4 objects and 1 of 2 relations, tuned everything
    assert metrics["base"]["scenes"]["object_recall"] == 0.5
    assert metrics["base"]["scenes"]["relation_recall"] == 0.5
    assert metrics["tuned"]["scenes"]["relation_recall"] == 1
    assert metrics["tuned"]["scenes"]["attribute_f1"] == 1
    assert metrics["difference"]["scenes"]["object_recall"]["images"] == 2
    assert metrics["base"]["reward"]["unscorable"] == 1
    page = (layout.report / "report.html").read_text()
    assert "first in the gallery" in page
    assert "second \\u003ci\\u003e" in page
    assert "There are no training curves" in page
    images = pl.read_parquet(layout.report / "images.parquet")
    assert images["base_rank"].to_list() == [3, 3, 3]
    assert images["base_qir"].to_list()[1] is None
    assert images["tuned_relations_matched"].to_list() == [1, 1, None]
    recall = pl.read_csv(layout.report / "plots" / "recall_at_k.csv")
    assert recall.row(0) == (1, 0, 100)
    assert pl.read_csv(layout.report / "plots" / "caption_lengths.csv")["base"].to_list()[0] == 1  # the blank one
    assert "R@1, tuned" in pl.read_csv(layout.report / "plots" / "before_after.csv")["name"].to_list()
    print_table(layout)
    printed = capsys.readouterr().out
    assert table(metrics) in printed
    assert str(layout.report / "report.html") in printed


def test_a_photo_is_held_against_its_reference(layout):
    """The third image has no truth; its reference is what tuned says. base: "a circle", right and far too little."""
    params = load_params(Path(__file__).parents[2] / "params.yaml")
    evaluated = read_eval_set(layout)
    base = ReferenceAgreement({kind: Counts(1, 2, 3) for kind in KINDS}, ("<b>cat",), 0.25, 0.125)
    tuned = ReferenceAgreement({kind: Counts(3, 3, 3) for kind in KINDS}, (), 1.0, 1.0)
    judged = {
        "retrieval": judge_held_out(evaluated, Pool.open(layout), encode),
        "reward": identities(evaluated, score),
        "references": {"base": [None, None, base], "tuned": [None, None, tuned]},
    }
    metrics = write_report.fn(layout, judged, evaluated, params)
    assert metrics["base"]["references"]["object_precision"] == 1 / 2
    assert metrics["base"]["references"]["relation_recall"] == pytest.approx(1 / 3)
    assert metrics["difference"]["capture"]["capture"]["value"] == 0.75
    assert metrics["difference"]["scenes"]["object_recall"]["images"] == 2  # as before: no photo among them
    page = (layout.report / "report.html").read_text()
    assert "CAPTURE against references" in page
    assert "\\u003cb\\u003ecat" in page
    images = pl.read_parquet(layout.report / "images.parquet")
    assert images["base_capture"].to_list() == [None, None, 0.25]
    assert images["base_unmentioned"].to_list() == [None, None, ["<b>cat"]]
    assert "CAPTURE, tuned" in pl.read_csv(layout.report / "plots" / "before_after.csv")["name"].to_list()


def test_rejected_images_take_no_part_and_are_counted(layout):
    folder, shard = layout.captions("base", "eval"), layout.shards("eval") / "eval-000000.tar"
    caption(layout, "base", ["a", "b"], IDS[:2])
    with pytest.raises(CimError, match="1 of 3 images without a caption"):
        read_eval_set(layout)
    write_rejects(rejects_path(folder, shard.stem), shard.name, [Reject(IDS[2], "unreadable")])
    evaluated = read_eval_set(layout)
    assert evaluated.ids == IDS[:2]
    assert evaluated.left_out == {"base": 1, "tuned": 0}
    assert evaluated.captions["tuned"] == TUNED[:2]


def test_captions_of_other_images_are_refused(layout):
    caption(layout, "tuned", TUNED, ["x", *IDS[1:]])
    with pytest.raises(CimError, match="that eval lacks"):
        read_eval_set(layout)


def test_the_held_out_encoder_must_be_another_and_the_one_embedded_by(layout):
    check_held_out(layout, "other-encoder")
    with pytest.raises(CimError, match="one and the same encoder"):
        check_held_out(layout, "changed-since")
    write_json(
        layout.embeddings("image", "eval") / "meta.json",
        {"encoder_fingerprint": "other-encoder", "dim": 3, "fingerprint": "f"},
    )
    with pytest.raises(CimError, match="is the reward's image encoder"):
        check_held_out(layout, "other-encoder")


def test_the_rewards_weights_under_another_name_are_refused(layout):
    for role, weights in (("image", b"same"), ("heldout", b"other")):
        layout.model(role).mkdir(parents=True)
        (layout.model(role) / "model.safetensors").write_bytes(weights)
    check_held_out(layout, "other-encoder")
    (layout.model("heldout") / "model.safetensors").write_bytes(b"same")
    with pytest.raises(CimError, match="is the reward's image encoder"):
        check_held_out(layout, "other-encoder")


def test_no_evaluation_yet(tmp_path):
    with pytest.raises(CimError, match="dvc repro evaluate"):
        print_table(Layout(tmp_path))


@pytest.mark.parametrize("size", [100, 2000, 20_000])
def test_a_full_disk_leaves_no_half_of_a_report(layout, size):
    """Refused are a CSV, images.parquet or report.html; metrics.json, which says that all is done, comes last."""
    params = load_params(Path(__file__).parents[2] / "params.yaml")
    evaluated = read_eval_set(layout)
    judged = {"retrieval": judge_held_out(evaluated, Pool.open(layout), encode), "reward": identities(evaluated, score)}
    with full_beyond(size), pytest.raises(Exception, match="File too large") as refused:
        write_report.fn(layout, judged, evaluated, params)
    assert disk_trouble(refused.value) is not None
    left = [path for path in layout.report.rglob("*") if path.is_file()]
    assert not {path.name for path in left} & {"report.html", "metrics.json"}
    metrics = write_report.fn(layout, judged, evaluated, params)
    for path in left:
        assert not path.name.startswith("."), path
    assert read_json(layout.report / "metrics.json") == json.loads(json.dumps(metrics))
