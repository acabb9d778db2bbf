"""Families of captioners, tiny and with random weights: captions, GRPO, LoRA, save and reload; or refused by name."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from families import gemma, idefics, llama, llava, others, qwen
from PIL import Image
from tiny_run import TUNE

from cim.atomic import read_json, write_json
from cim.captioners.decoding import Decoding
from cim.captioners.generate import generate
from cim.captioners.inputs import prepare
from cim.captioners.load import Captioner, load_captioner, load_processor
from cim.errors import CimError
from cim.images.decode import decode_rgb
from cim.images.ids import content_hash
from cim.layout import Layout
from cim.params import Lora
from cim.records import Sample
from cim.shards.read import ImageLookup
from cim.shards.tar import write_tar
from cim.tuning.grpo import grpo, prompt_rows
from cim.tuning.job import TuneJob
from cim.tuning.run import tune
from cim.tuning.tunable import check_logits, check_tunable
from cim.tuning.validate import Validation
from cim.tuning.weights import write_tuned

PROMPTS = ["Say.", "What is in this image?"]
TUNED: list[Any] = [
    qwen.qwen3_vl,
    gemma.gemma3,
    idefics.smolvlm,
    llava.llava_next,
    llava.internvl,
    *(
        pytest.param(one, marks=pytest.mark.slow)
        for one in (
            qwen.qwen2_vl,
            qwen.qwen2_5_vl,
            qwen.qwen3_vl_moe,
            qwen.qwen3_5,
            qwen.glm4v,
            qwen.glm46v,
            gemma.gemma3n,
            gemma.gemma4,
            idefics.idefics2,
            idefics.idefics3,
            llava.llava,
            llava.vipllava,
            llava.fast_vlm,
            llava.lfm2_vl,
            llava.pixtral,
            llava.mistral3,
            llava.deepseek_vl,
        )
    ),
]
REFUSED = [
    (llava.llava_onevision, "LlavaOnevisionProcessor, which also gives batch_num_images"),
    (llava.ovis2, "Ovis2Processor, which does not tokenize prompts of different lengths without padding"),
    (llama.mllama, "MllamaProcessor, which also gives aspect_ratio_ids, aspect_ratio_mask, cross_attention_mask"),
    (llama.llama4, "Llama4Processor, which gives pixel_values that do not become one array"),
    (others.video_llama_3, "VideoLlama3Processor, which also gives image_merge_sizes"),
    (others.molmo2, "Molmo2Processor, which also gives image_grids, image_num_crops, image_token_pooling"),
    (others.minicpmv4_6, "MiniCPMV4_6Processor, which also gives target_sizes"),
    (others.kimi_k25, "Kimi_K25Processor, which does not say how many tiles an image has"),
]
SCALED = [
    (llava.cohere2_vision, "Cohere2VisionForConditionalGeneration with scaled logits"),
    (llava.aya_vision, "AyaVisionForConditionalGeneration with scaled logits"),
    (others.granite_vision, "LlavaNextForConditionalGeneration with scaled logits"),
]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> ImageLookup:
    """Four pictures of noise, of shapes that tiles and patches differ for."""
    folder, noise = tmp_path_factory.mktemp("noise"), np.random.default_rng(0)
    samples = []
    for height, width in ((40, 60), (90, 30), (32, 32), (64, 64)):
        data = io.BytesIO()
        Image.fromarray(noise.integers(0, 255, (height, width, 3), dtype=np.uint8)).save(data, "png")
        key = content_hash(data.getvalue())[:16]
        samples.append(Sample(key, data.getvalue(), "png", (), "s", width, height))
    write_tar(folder / "train-000000.tar", sorted(samples, key=lambda sample: sample.id))
    return ImageLookup(folder)


class Rising:
    """A validator: every validation is better than the one before."""

    count = 0

    def __call__(self, model: Any, processor: Any) -> Validation:
        self.count += 1
        return Validation(self.count / 100, 0.0, 0.0, 0.0, 0, 1.0)


def alternate(completions: list[Any], **_: Any) -> list[float | None]:
    """Pays for every second caption: in each pair there is something to learn."""
    return [float(place % 2) for place in range(len(completions))]


def captions(captioner: Captioner, pictures: list[Image.Image]) -> list[str]:
    return [one.text for one in generate(captioner, pictures, PROMPTS * 2, Decoding(6))]


def probabilities(model: Any, inputs: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """(b, length - 1) log-probabilities of each token after the first: by the model's logits, by the trainer's pass."""
    labels = inputs["input_ids"]
    with torch.no_grad():
        logits = model.eval()(**inputs).logits[:, :-1]
        trainers = model(**inputs, labels=labels, fused_lm_head=True).log_probs
    return torch.log_softmax(logits, dim=-1).gather(2, labels[:, 1:, None])[..., 0], trainers


@pytest.mark.parametrize("lora", [None, Lora(rank=2, alpha=4)], ids=["all weights", "adapters"])
@pytest.mark.parametrize("make", TUNED)
def test_family_is_tuned_saved_and_reloaded(
    make: Callable[[Path], None], lora: Lora | None, images: ImageLookup, tmp_path: Path
) -> None:
    base, ids = tmp_path / "base", sorted(images._places)
    make(base)
    captioner = load_captioner(base, "cpu", "float32")
    check_tunable(captioner.processor, PROMPTS)
    check_logits(captioner, PROMPTS[0])
    pictures = [decode_rgb(images[one]) for one in ids]
    params = TUNE.model_copy(update={"steps": 1, "micro_batch": 2, "lora": lora, "kl": 0.1})
    rows = prompt_rows(ids, PROMPTS, images, seed=1)
    tuned = grpo(captioner, rows, alternate, Rising(), params, tmp_path / "scratch")  # type: ignore[arg-type]
    (record,) = tuned.log
    # The reference's probabilities are of the whole rollout, the policy's of its halves, after the captions were
    # shuffled: nothing is trained yet, so they are equal where every caption kept its own picture.
    assert record["kl"] == pytest.approx(0, abs=1e-6)
    assert record["grad_norm"] > 0

    inputs = prepare(captioner.processor, pictures[:2], PROMPTS)
    own, trainers = probabilities(captioner.model, inputs)
    torch.testing.assert_close(trainers, own, atol=1e-4, rtol=0)
    other, _ = probabilities(captioner.model, {**inputs, "pixel_values": -inputs["pixel_values"]})
    assert (other - own).abs().max() > 1e-2  # the model sees its picture

    write_tuned(base, tuned.best, 1.0, {}, tmp_path / "out", trusted=False)
    after = load_captioner(tmp_path / "out", "cpu", "float32")
    assert captions(after, pictures) == captions(Captioner(captioner.model, captioner.processor, ""), pictures)
    before = dict(load_captioner(base, "cpu", "float32").model.named_parameters())
    assert any((weight != before[name]).any() for name, weight in after.model.named_parameters())


@pytest.mark.parametrize(("make", "why"), REFUSED)
def test_family_that_cannot_be_tuned_is_refused_by_name(make: Callable[[Path], None], why: str, tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(CimError, match=why):
        check_tunable(load_processor(tmp_path), PROMPTS)


@pytest.mark.parametrize(("make", "why"), SCALED)
def test_family_whose_logits_the_trainer_gets_wrong_is_refused_by_name(
    make: Callable[[Path], None], why: str, tmp_path: Path
) -> None:
    make(tmp_path)
    captioner = load_captioner(tmp_path, "cpu", "float32")
    check_tunable(captioner.processor, PROMPTS)
    with pytest.raises(CimError, match=why):
        check_logits(captioner, PROMPTS[0])
    assert "forward" not in vars(captioner.model)


def test_a_scale_of_one_is_no_scale(tmp_path: Path) -> None:
    llava.cohere2_vision(tmp_path)
    config = read_json(tmp_path / "config.json")
    config["text_config"]["logit_scale"] = 1.0
    write_json(tmp_path / "config.json", config)
    check_logits(load_captioner(tmp_path, "cpu", "float32"), PROMPTS[0])


def test_a_processor_that_pads_the_rollout_is_refused(tmp_path: Path) -> None:
    """Gemma 4's does so by itself; load_processor stops it, here it is undone."""
    gemma.gemma4(tmp_path)
    processor = load_processor(tmp_path)
    check_tunable(processor, PROMPTS)
    del processor.text_kwargs
    with pytest.raises(CimError, match="Gemma4Processor, which pads the prompts of a rollout"):
        check_tunable(processor, PROMPTS)


def test_tuning_refuses_before_it_opens_anything_else(tmp_path: Path) -> None:
    """The workspace holds the captioner and nothing more."""
    layout = Layout(tmp_path)
    llama.mllama(layout.model("captioner"))
    with pytest.raises(CimError, match="MllamaProcessor"):
        tune(TuneJob(layout, TUNE, ("Say.",), "cpu", 1, False))


def test_the_documents_table_says_what_these_tests_show(root: Path) -> None:
    """Each row: family, name in the tests, captions, tuned, LoRA."""
    rows = re.findall(
        r"^\|.*\| `(\w+)` \| yes \| (yes|no: \w+) \| (yes|no) \|$", (root / "docs/models.md").read_text(), re.M
    )
    tuned = [one if callable(one) else one.values[0] for one in TUNED]
    assert {name for name, *said in rows if said == ["yes", "yes"]} == {make.__name__ for make in tuned}
    assert {name for name, *said in rows if said[1] == "no"} == {make.__name__ for make, _ in [*REFUSED, *SCALED]}
