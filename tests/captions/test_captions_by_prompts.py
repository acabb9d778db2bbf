"""Several captions an image by named prompts: the tables of each as if it were alone, the shards a mix of them."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import webdataset
from captioned_shards import contents, in_turn
from chat_server import Script, chat_server, picture, said

import cim.captions.windows
import cim.engines.local
import flows.mixing
import tasks.caption
from cim.atomic import read_json
from cim.captioners.decoding import Generated
from cim.captioners.generate import Batch
from cim.errors import CimError
from cim.params.yaml import dump_yaml, read_yaml
from flows.recaption import recaption
from flows.remix import remix

TEXTS: dict[str, Any] = {
    "prompts": {"short": "Say.", "detailed": "Tell all."},
    "txt": [{"text": "short", "share": 0.5}, {"text": "detailed", "share": 0.5}],
    "budget": None,
}


def answers(ready: Any, batch: Batch, decoding: Any, cache: str) -> list[Generated]:
    return [Generated(f"{key}: {prompt}", "stop", 4) for key, prompt in zip(batch.keys, batch.prompts, strict=True)]


@pytest.fixture
def mixing(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`place` with a broken image more; shards are mixed in this process, and a caption says what was asked of what."""
    monkeypatch.setattr(flows.mixing, "map_shards", in_turn)
    monkeypatch.setattr(cim.engines.local, "decode", answers)
    (place / "in/9.png").write_bytes(b"no image")
    return place


def told(out: Path) -> dict[str, dict[str, Any]]:
    """The JSON of all samples by key, with what is their `.txt`."""
    tars = [webdataset.WebDataset(str(tar), shardshuffle=False, empty_check=False) for tar in sorted(out.glob("*.tar"))]
    samples = [one for tar in tars for one in tar]
    return {one["__key__"]: json.loads(one["json"]) | {"txt": one["txt"].decode()} for one in samples}


def test_each_prompt_says_what_it_says_alone_and_txt_is_drawn(mixing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"caption.max_reject_share": 0.5}
    alone = recaption.fn(overrides={"recaption.output": "alone", **few})
    summary = recaption.fn(overrides={"recaption.texts": TEXTS, **few})
    found, single = told(mixing / "out"), told(mixing / "alone")
    assert found.keys() == single.keys()
    for key, one in found.items():
        assert one["texts"]["short"] == single[key]["caption"]
        assert one["txt"] == one["caption"] == one["texts"][one["mix"]["part"]]
        assert [one["recaption"][name]["prompt"] for name in ("short", "detailed")] == ["Say.", "Tell all."]
        assert {name: one[name] for name in ("width", "sha256", "alt_text")} == {
            **{name: single[key][name] for name in ("width", "sha256")},
            "alt_text": "",
        }
    assert (summary["images"], summary["captions"], summary["rejects"]) == (6, 5, 1)
    assert summary["captions"] + summary["rejects"] == alone["images"]
    rejects = [pl.read_parquet(mixing / out / "rejects/*.parquet").rows() for out in ("out", "alone")]
    assert rejects[0] == rejects[1] == [("9.png", *rejects[0][0][1:])]
    assert read_json(mixing / "out/summary.json") == summary
    before = contents(mixing / "out")
    monkeypatch.setattr(tasks.caption, "_loaded", lambda model: pytest.fail("the model was loaded"))
    assert recaption.fn(overrides={"recaption.texts": TEXTS, **few}) == summary
    assert contents(mixing / "out") == before
    shares = [{"text": "detailed", "share": 1.0}]  # another mix asks no model either
    recaption.fn(overrides={"recaption.texts": TEXTS | {"txt": shares}, **few})
    again = told(mixing / "out")
    assert {key: one["txt"] for key, one in again.items()} == {k: one["texts"]["detailed"] for k, one in found.items()}
    Path("remix.yaml").write_text(
        json.dumps(
            {"remix": {"shards": "out/*.tar", "output": "mixed", "texts": {"txt": TEXTS["txt"], "budget": None}}}
        )
    )
    remix.fn()
    assert {key: one["txt"] for key, one in told(mixing / "mixed").items()} == {
        k: one["txt"] for k, one in found.items()
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"txt": [{"text": "long", "share": 1.0}]}, "txt names long, which is none of original, short, detailed"),
        ({"prompts": {"original": "Say."}}, "a prompt called original"),
        ({"prompts": {"short": " ", "detailed": "Tell."}}, "prompt short is blank"),
        ({"budget": {"tokenizer": "nowhere"}}, "tokenizer nowhere"),
    ],
)
def test_texts_that_cannot_be_made_stop_a_run_before_it_begins(
    mixing: Path, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(CimError, match=said):
        recaption.fn(overrides={"recaption.texts": TEXTS | changed})
    assert not (mixing / "out").exists()


def test_texts_do_not_go_to_a_store(mixing: Path) -> None:
    with pytest.raises(CimError, match=r"flows\.remix with remix\.store brings them"):
        recaption.fn(overrides={"recaption.texts": TEXTS, "recaption.store": "s3://bucket/out"})


def with_questions(place: Path, questions: dict[str, Any]) -> None:
    for name, question in questions.items():
        (place / f"in/{name}.json").write_text(json.dumps({"question": question}))


ASKING = TEXTS | {
    "prompts": {"short": "Say.", "about": "What of {question}?"},
    "txt": [{"text": "about", "share": 1.0}],
}


def test_each_image_is_asked_its_own_question(mixing: Path) -> None:
    """Image 3 has none, that of image 4 would end its turn: both have another caption, and no text for this mix."""
    with_questions(mixing, {"0": "the  cat", "1": 7, "2": "it", "3": " ", "4": "<|im_end|>"})
    summary = recaption.fn(overrides={"recaption.texts": ASKING, "caption.max_reject_share": 0.5})
    reasons = summary["captions_of"]["about"]["reject_reasons"]
    assert reasons == {"no text to ask with": 1, "not an image": 1, "refused by the captioner": 1}
    assert (summary["captions"], summary["rejects"], summary["passed"]) == (3, 3, {"about missing": 2})
    found = told(mixing / "out")
    assert [one["original"]["question"] for one in found.values()] == ["the  cat", 7, "it"]
    asked = [one["txt"].partition(": ")[2] for one in found.values()]
    assert asked == ["What of the cat?", "What of 7?", "What of it?"]
    assert {one["recaption"]["about"]["prompt"] for one in found.values()} == {"What of {question}?"}


def test_a_corpus_without_the_column(mixing: Path) -> None:
    with_questions(mixing, {"0": "the cat"})
    absent = ASKING | {"prompts": {"about": "What of {answer}?"}}
    with pytest.raises(CimError, match=r"found no column answer in .*, which has question; expected a column"):
        recaption.fn(overrides={"recaption.texts": absent})
    assert not (mixing / "out").exists()


def test_a_picture_is_decoded_once_for_all_prompts(mixing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five pictures and one that is none; a third prompt that comes later decodes them for itself alone."""
    decoded, real = list[bytes](), cim.captions.windows.decode

    def decode(image: bytes, *more: Any) -> Any:
        decoded.append(image)
        return real(image, *more)

    monkeypatch.setattr(cim.captions.windows, "decode", decode)
    few = {"caption.max_reject_share": 0.5}
    recaption.fn(overrides={"recaption.texts": TEXTS, **few})
    assert len(decoded) == len(set(decoded)) == 6
    more = TEXTS | {"prompts": TEXTS["prompts"] | {"long": "Tell at length."}}
    assert recaption.fn(overrides={"recaption.texts": more, **few})["captions_of"]["long"]["captions"] == 5
    assert len(decoded) == 12
    assert [one["texts"]["short"] for one in told(mixing / "out").values()] == [
        f"{one['sha256'][:16]}: Say." for one in told(mixing / "out").values()
    ]


def test_prompts_that_hold_a_special_token_stop_a_run(mixing: Path) -> None:
    spoilt = TEXTS | {"prompts": TEXTS["prompts"] | {"detailed": "Tell <|im_end|>"}}
    with pytest.raises(CimError, match=r"a prompt 'Tell <\|im_end\|>' that holds"):
        recaption.fn(overrides={"recaption.texts": spoilt, "caption.max_reject_share": 0.5})


def test_a_server_is_asked_each_images_own_question(mixing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two prompts of five pictures, of which one has no question: nine requests, each picture sent as it came."""
    with_questions(mixing, {"0": "the cat", "1": 7, "2": "it", "3": " ", "4": "us"})

    def answer(body: Any) -> Any:
        return said(f"{picture(body).getpixel((0, 0))[0]}: {body['messages'][0]['content'][1]['text']}")

    tasks.caption._kept.clear()
    with chat_server(Script(answer)) as server:
        params = read_yaml(mixing / "recaption.yaml")
        del params["recaption"]["model"]
        params["caption"] |= {"engine": "endpoint", "endpoint": {"base_url": server.base_url, "model": "captioner"}}
        (mixing / "recaption.yaml").write_text(dump_yaml(params))
        summary = recaption.fn(overrides={"recaption.texts": ASKING, "caption.max_reject_share": 0.5})
    assert len(server.bodies) == 9
    assert summary["captions_of"]["about"]["reject_reasons"] == {"no text to ask with": 1, "not an image": 1}
    assert summary["captions_of"]["short"]["captions"] == 5
    texts = [one["texts"] for one in told(mixing / "out").values()]
    assert [one["about"] for one in texts] == [
        "0: What of the cat?", "40: What of 7?", "80: What of it?", "160: What of us?",
    ]  # fmt: skip
    assert [one["short"] for one in texts] == ["0: Say.", "40: Say.", "80: Say.", "160: Say."]
