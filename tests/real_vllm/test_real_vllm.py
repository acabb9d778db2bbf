"""Captions by vLLM itself, on a CPU, beside those of transformers."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from PIL.Image import Image

from cim.captioners.decoding import Decoding
from cim.captioners.inputs import render
from cim.captioners.load import load_processor
from cim.engines.continuous import ContinuousCaptioning
from cim.engines.open import open_engine
from cim.engines.spec import EngineSpec, captions_of
from cim.engines.vllm import Vllm

SAMPLED = Decoding(24, temperature=1.0, seed=3)


def ask(backend: Vllm, decoding: Decoding, pictures: list[Image], keys: list[str], scorer: Any = None) -> list[Any]:
    return captions_of(ContinuousCaptioning(backend, decoding, scorer), pictures, keys)


@pytest.fixture
def outputs(backend: Vllm, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """vLLM's own answers, in the order asked."""
    found: list[Any] = []
    engine = backend.llm.llm_engine
    step = engine.step

    def noted() -> Any:
        answers = step()
        found.extend(one for one in answers if one.finished)
        found.sort(key=lambda one: int(one.request_id))  # in the order asked
        return answers

    monkeypatch.setattr(engine, "step", noted)
    return found


def test_greedy_captions_are_those_of_transformers(
    backend: Vllm, spec: EngineSpec, pictures: list[Image], keys: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = captions_of(open_engine(spec), pictures, keys)
    ours = ask(backend, spec.decoding, pictures, keys)
    differ = [key for key, one, other in zip(keys, ours, theirs, strict=True) if one != other]
    with capsys.disabled():
        print(f"\n{64 - len(differ)} of 64 greedy captions equal, {len({one.text for one in theirs})} different texts")
    assert len({one.text for one in theirs}) > 32  # the captioner is not mute
    assert differ == []


def test_sampling_is_repeated_by_its_seeds(backend: Vllm, pictures: list[Image], keys: list[str]) -> None:
    once = ask(backend, SAMPLED, pictures, keys)
    assert len({one.text for one in once}) > 60
    assert ask(backend, SAMPLED, pictures[::-1], keys[::-1])[::-1] == once  # whatever the order
    assert ask(backend, SAMPLED, pictures[5:8], keys[5:8]) == once[5:8]  # or the company
    assert ask(backend, replace(SAMPLED, seed=4), pictures, keys) != once
    assert ask(backend, SAMPLED, pictures[:1], ["another"])[0].text != once[0].text


def test_the_best_of_several_candidates(backend: Vllm, pictures: list[Image], keys: list[str]) -> None:
    def longest(texts: list[str], *_: Any) -> list[float]:
        return [float(len(text)) for text in texts]

    found = ask(backend, replace(SAMPLED, candidates=3), pictures[:8], keys[:8], longest)
    plain = ask(backend, SAMPLED, pictures[:8], keys[:8])
    for one, alone in zip(found, plain, strict=True):
        assert len(set(one.candidates)) == 3
        assert one.candidates[0] == alone.text  # the caption of plain sampling
        assert len(one.text) == max(map(len, one.candidates)) == max(map(float, one.scores))


def test_why_a_caption_ended(backend: Vllm, pictures: list[Image], keys: list[str], outputs: list[Any]) -> None:
    hot = ask(backend, Decoding(200, temperature=2.0), pictures, keys)
    assert set(Counter(one.finish_reason for one in hot)) == {"stop", "length"}
    for one, answer in zip(hot, outputs, strict=True):
        said = list(answer.outputs[0].token_ids)
        assert one.tokens == len(said)
        assert (one.finish_reason == "stop") == (said[-1] in backend.ends)
        assert (one.finish_reason == "length") == (len(said) == 200 and said[-1] not in backend.ends)


def test_banned_tokens_never_come(backend: Vllm, pictures: list[Image], keys: list[str], outputs: list[Any]) -> None:
    hot = Decoding(100, temperature=2.0)

    def said(one: Vllm) -> set[int]:
        outputs.clear()
        ask(one, hot, pictures, keys)
        return {token for answer in outputs for token in answer.outputs[0].token_ids}

    assert backend.never
    assert not said(backend) & set(backend.never)
    assert said(replace(backend, never=[])) & set(backend.never)  # it would say them


def test_a_prompt_with_its_image_is_computed_once(
    backend: Vllm, spec: EngineSpec, pictures: list[Image], keys: list[str], outputs: list[Any]
) -> None:
    long = replace(backend, asked=render(load_processor(spec.folder), "red " * 120))
    ask(long, replace(SAMPLED, candidates=3), pictures[:1], keys[:1], lambda texts, *_: [0.0] * len(texts))
    first, *others = [answer.num_cached_tokens for answer in outputs]
    assert first == 0
    assert others == [128, 128]  # whole blocks


def test_an_image_over_the_limits_is_refused_alone(
    backend: Vllm, spec: EngineSpec, pictures: list[Image], keys: list[str]
) -> None:
    """A picture of 16 x 3,200 pixels has 56 tokens, not 16: too many beside a prompt of so many words."""
    long = replace(backend, asked=render(load_processor(spec.folder), "red " * 210))
    wide = pictures[0].resize((3200, 16))
    good = ask(long, spec.decoding, pictures[:4], keys[:4])
    with pytest.raises(ValueError, match="256"):
        ask(long, spec.decoding, [*pictures[:4], wide], keys[:5])
    assert ask(long, spec.decoding, pictures[3::-1], keys[3::-1])[::-1] == good  # nothing of it is left
