"""The transformers engine: the same captions as generate, whatever runs ahead, and little held at once."""

import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PIL.Image import Image

import cim.engines.local
from cim.captioners.decoding import Decoding
from cim.captioners.generate import generate
from cim.captioners.load import load_captioner
from cim.engines.local import Local
from cim.engines.open import open_engine
from cim.engines.spec import EngineSpec, captions_of
from cim.errors import CimError


@pytest.mark.parametrize("decoding", [Decoding(6), Decoding(6, 1.0, seed=4), Decoding(6, beams=3)])
@pytest.mark.parametrize(
    "changes",
    [
        {"prefetch": 0},
        {"prefetch": 2, "batch_size": 2},
        {"prefetch": 2, "batch_size": 2, "prefetch_in": "processes"},
        {"cache": "static"},
    ],
)
def test_captions_are_those_of_one_image_at_a_time(
    spec: EngineSpec, pictures: list[Image], keys: list[str], decoding: Decoding, changes: dict[str, object]
) -> None:
    captioner = load_captioner(spec.folder, "cpu")
    alone = [
        generate(captioner, [picture], [spec.prompt], decoding, [key])[0]
        for picture, key in zip(pictures, keys, strict=True)
    ]
    backend = Local.open(replace(spec, **changes))  # type: ignore[arg-type]
    plan = backend.plan([picture.size for picture in pictures])
    found = backend([([pictures[row] for row in rows], [[keys[row]] for row in rows]) for rows in plan], decoding)
    assert list(found) == [[[alone[row]] for row in rows] for rows in plan]
    assert len({one.text for one in alone}) > 4


def test_prepared_batches_in_memory_are_bounded_by_prefetch_not_by_images(
    spec: EngineSpec, pictures: list[Image], keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """prefetch + 1: those waiting and the one the model is at, with 24 images in 8 batches."""
    lock, alive, most = threading.Lock(), 0, 0
    prepare, decode = cim.engines.local.prepare, cim.engines.local.decode

    def counted(*arguments: object) -> object:
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        return prepare(*arguments)  # type: ignore[arg-type]

    def used(*arguments: object) -> object:
        nonlocal alive
        found = decode(*arguments)  # type: ignore[arg-type]
        with lock:
            alive -= 1
        return found

    monkeypatch.setattr(cim.engines.local, "prepare", counted)
    monkeypatch.setattr(cim.engines.local, "decode", used)
    for prefetch in (0, 1, 2):
        most = 0
        captions_of(
            open_engine(replace(spec, prefetch=prefetch)), pictures * 3, [f"{key}{n}" for n in range(3) for key in keys]
        )
        assert most <= prefetch + 1
        assert alive == 0


def test_an_image_that_the_processor_refuses_is_the_same_value_error_from_a_thread_and_a_process(
    spec: EngineSpec, pictures: list[Image]
) -> None:
    thin = pictures[0].resize((1, 300))  # Qwen2-VL takes no ratio above 200
    said = []
    for where in ("threads", "processes"):
        engine = open_engine(replace(spec, prefetch_in=where))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"^absolute aspect ratio must be smaller than 200, got 300") as found:
            captions_of(engine, [pictures[1], thin], ["a", "b"])
        said.append((type(found.value), str(found.value)))
        assert len(captions_of(engine, pictures[:2], ["a", "b"])) == 2  # and it still works
    assert said[0] == said[1]


def test_retries_while_processes_prepare_the_next_batches_are_those_of_threads(
    spec: EngineSpec, pictures: list[Image], keys: list[str]
) -> None:
    decoding = Decoding(6, max_repetition=-1.0, retries=1)  # every caption is tried again
    said = []
    for where in ("threads", "processes"):
        engine = open_engine(replace(spec, decoding=decoding, prefetch_in=where))  # type: ignore[arg-type]
        said.append(captions_of(engine, pictures, keys))
    assert said[0] == said[1]
    assert {len(one.candidates) for one in said[0]} == {2}


@pytest.mark.slow  # clean processes import transformers
def test_clean_processes_as_beside_a_gpu_give_the_same_captions(
    spec: EngineSpec, pictures: list[Image], keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [(pictures[:5], [[key] for key in keys[:5]]), (pictures[5:], [[key] for key in keys[5:]])]
    here = list(Local.open(spec)(batches, spec.decoding))
    monkeypatch.setattr(sys, "platform", "another")
    opened = Local.open(replace(spec, prefetch_in="processes"))
    assert opened.workers is not None
    assert opened.workers.start == "forkserver"
    assert list(opened(batches, spec.decoding)) == here


def test_nothing_in_nothing_out(spec: EngineSpec) -> None:
    assert captions_of(open_engine(spec), [], []) == []


def test_a_folder_that_changed_since_the_plan_is_refused(spec: EngineSpec) -> None:
    with pytest.raises(CimError, match="changed while captioning"):
        open_engine(replace(spec, fingerprint="another"))


def test_candidates_without_a_scorer_are_refused(spec: EngineSpec) -> None:
    with pytest.raises(CimError, match="3 candidates and nothing to score them"):
        open_engine(replace(spec, decoding=Decoding(6, 1.0, candidates=3)))


def test_no_image_reaches_continuous_batching_of_the_installed_transformers() -> None:
    """Should this fail, transformers has learnt it: params/caption.py refuses engine "continuous" until then."""
    import inspect

    from transformers.generation.continuous_batching import ContinuousBatchingManager

    names = set(inspect.signature(ContinuousBatchingManager.add_request).parameters)
    assert not {name for name in names if "pixel" in name or "image" in name or "embeds" in name or "mm_" in name}


def test_leaves_the_folder_alone(spec: EngineSpec, pictures: list[Image]) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path(spec.folder).rglob("*")}
    captions_of(open_engine(spec), pictures[:1], ["a"])
    assert {path: path.stat().st_mtime_ns for path in Path(spec.folder).rglob("*")} == before
