"""The worked case: pictures with Portuguese captions through params, shards, guards, metrics and the report."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from portuguese_scenes import WORDS, write_folder

import flows.shard
from cim.atomic import write_json
from cim.captioners.decoding import Decoding
from cim.captions.lineage import Lineage
from cim.captions.write import captions_path, write_captions
from cim.languages.portuguese import PORTUGUESE
from cim.layout import Layout
from cim.metrics.evalset import EvalSet, read_eval_set
from cim.metrics.heldout import HeldOut
from cim.params import Params, load_params
from cim.params.yaml import dump_yaml, read_yaml
from cim.records import Caption, IdentityScore
from cim.rewards.guards.base import GeneratedCaption, judge
from cim.rewards.guards.build import build_guards
from cim.rewards.guards.copied import GalleryCaptions


def in_turn(task: Any, items: list[Any], *_: Any, workers: int) -> list[Any]:
    """What map_shards does, without a server and retries."""
    return [task.fn(item) for item in items]


SPLITS = {"gallery": 0.4, "train": 0.2, "validation": 0.1, "target": 0.1, "eval": 0.2}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> tuple[Params, Layout]:
    """60 pictures in shards by `flows.shard`, with the captions of two captioners of the eval images."""
    folder = tmp_path_factory.mktemp("portuguese")
    write_folder(folder / "images", 60)
    (folder / "objects.txt").write_text(WORDS, encoding="utf-8")
    values = read_yaml(Path(__file__).parents[1] / "end_to_end/tiny.yaml")
    values |= {"language": "pt-BR", "caption": {"max_new_tokens": 8}}
    source = {"kind": "folder", "path": str(folder / "images"), "splits": SPLITS}
    values["shard"] = {"samples_per_shard": 12, "sources": [source]}
    values["evaluate"]["objects"] = str(folder / "objects.txt")
    (folder / "params.yaml").write_text(dump_yaml(values), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(flows.shard, "map_shards", in_turn)
        assert flows.shard.shard.fn(str(folder / "params.yaml"))["images"]["out"] == 60
    layout = Layout(folder / "data")
    manifest = pl.read_parquet(layout.shards("eval") / "manifest.parquet")
    references = dict(zip(manifest["id"], manifest["captions"].to_list(), strict=True))
    said = {"base": dict.fromkeys(references, "Não há estrela na imagem.")}
    said["tuned"] = {name: max(texts, key=len) for name, texts in references.items()}
    for captioner, texts in said.items():
        rows = [Caption(name, text, "stop", 8) for name, text in texts.items()]
        path = captions_path(layout.captions(captioner, "eval"), "eval-000000")
        write_captions(path, rows, Lineage(captioner, "descreva", Decoding(max_new_tokens=8)))
    return load_params(folder / "params.yaml"), layout


def test_the_prompt_is_the_languages_own(workspace: tuple[Params, Layout]) -> None:
    params, _ = workspace
    assert params.caption.prompts == [PORTUGUESE.prompt]
    assert params.spoken is PORTUGUESE


def gallery(layout: Layout, folder: Path) -> GalleryCaptions:
    manifest = pl.read_parquet(layout.shards("gallery") / "manifest.parquet")
    path = folder / "gallery.parquet"
    manifest.select("id", caption=pl.col("captions")).explode("caption").write_parquet(path)
    return GalleryCaptions((path,), PORTUGUESE)


def test_guards_that_stay_take_nothing_from_honest_captions(workspace: tuple[Params, Layout], tmp_path: Path) -> None:
    params, layout = workspace
    guards = build_guards(params.tune.reward.guards, [9], gallery(layout, tmp_path), params.spoken)
    assert set(guards) == {"length", "repetition", "prompt", "characters", "tokens", "copied"}
    manifest = pl.read_parquet(layout.shards("eval") / "manifest.parquet")
    honest = [
        GeneratedCaption(text, params.caption.prompts[0], id=name)
        for name, texts in zip(manifest["id"], manifest["captions"].to_list(), strict=True)
        for text in texts
    ]
    for name, (guard, _) in guards.items():
        assert set(judge(guard, honest)) == {0}, name
    # Planted: with the function words of English, "Há um círculo e uma estrela." tells six things, and coincides.
    english = GalleryCaptions(gallery(layout, tmp_path).files)
    assert min(judge(build_guards(params.tune.reward.guards, [9], english)["copied"][0], honest)) == -1


def test_and_are_not_asleep(workspace: tuple[Params, Layout], tmp_path: Path) -> None:
    params, layout = workspace
    known = gallery(layout, tmp_path)
    guards = build_guards(params.tune.reward.guards, [9], known, params.spoken)
    other = pl.read_parquet(known.files[0])["caption"].to_list()
    prompt = params.caption.prompts[0]
    planted = {
        "length": "um cachorro",  # one telling word
        "repetition": "um gato e um gato e um gato e um gato",
        "prompt": "descreva esta imagem com a maior precisão: um gato",
        "characters": "um gato {{{{ preto }}}}",
        "tokens": "um gato preto <|im_end|>",
        "copied": max(other, key=len),
    }
    for name, text in planted.items():
        said = GeneratedCaption(text, prompt, id="elsewhere")
        assert {other for other, (guard, _) in guards.items() if guard(said) < 0} >= {name}, text


def evaluated_by(params: Params, evaluated: EvalSet, layout: Layout) -> dict[str, Any]:
    from tasks.evaluate import judge as judged_by
    from tasks.evaluate import write_report

    score = IdentityScore(0.5, 0.5, 1.0, (), (), ())
    count = len(evaluated.ids)
    judged = {
        "retrieval": {name: HeldOut(np.arange(1.0, count + 1)) for name in evaluated.captions},
        "reward": {name: [score] * count for name in evaluated.captions},
        **{part: judged_by.fn(part, evaluated, layout, params) for part in ("meteor", "references")},
    }
    metrics: dict[str, Any] = write_report.fn(layout, judged, evaluated, params)
    return metrics


def test_metrics_and_report(workspace: tuple[Params, Layout]) -> None:
    params, layout = workspace
    for role in ("image", "heldout"):  # which the report's lineage names
        write_json(
            layout.embeddings(role, "eval") / "meta.json", {"encoder_fingerprint": role, "dim": 3, "fingerprint": "f"}
        )
    metrics = evaluated_by(params, read_eval_set(layout), layout)
    json.dumps(metrics, allow_nan=False)
    assert set(metrics["tuned"]) == {"retrieval", "reward", "overlap", "chair", "text"}
    # "tuned" says a reference word for word; "base" denies a star, so it names nothing
    assert metrics["tuned"]["overlap"]["rouge_l"] == pytest.approx(1)
    assert metrics["tuned"]["overlap"]["bleu_4"] == pytest.approx(1)
    assert metrics["base"]["overlap"]["rouge_l"] < 0.6
    assert metrics["tuned"]["chair"] == pytest.approx({"chair_i": 0, "chair_s": 0, "coverage": 1})
    assert metrics["base"]["chair"]["coverage"] == 0
    for name in ("overlap.meteor", "references", "capture", "scenes", "details"):
        assert metrics["absent"][name] == "knows English only, not Portuguese"
    page = (layout.report / "report.html").read_text(encoding="utf-8")
    assert "Captions are taken for Portuguese" in page
    assert "prose (knows English only, not Portuguese)" in page
    assert "METEOR" in page
