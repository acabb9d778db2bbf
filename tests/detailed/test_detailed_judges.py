"""Judges: the endpoint over a planted transport, a tiny local model, remembered answers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from cim.chat.client import ChatClient
from cim.detailed.benchmark import read_benchmark
from cim.detailed.endpoint import EndpointJudge
from cim.detailed.judge import SYSTEM, CachedJudge, ask, prompt
from cim.detailed.settings import Endpoint, Local, read_settings
from cim.errors import CimError


class Scripted:
    """Says Yes when the caption has the question's last word, else No; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def reply(self, prompts: Sequence[str]) -> list[str]:
        self.asked += prompts
        return ["Yes" if text.split("?")[0].split()[-1] in text.split("Question")[0] else "No" for text in prompts]


class TestAsking:
    def test_every_question_of_every_image(self, small: Path) -> None:
        """1: a dog: Yes (right), new: No (right). 2: no caption: n/a twice. 3: cars: Yes, wooden: No (right)."""
        judge = Scripted()
        found = ask(judge, read_benchmark("cocoln500", small), {"1": "A dog.", "2": " ", "3": "Red cars."})
        assert found.counts == {("Yes", "Yes"): 2, ("No", "No"): 2, ("Yes", "n/a"): 1, ("other", "n/a"): 1}
        assert len(judge.asked) == 4  # nobody is asked about the empty caption
        assert judge.asked[0] == prompt("A dog.", "Is there a dog?")

    def test_what_the_judge_sees(self) -> None:
        assert prompt(' A "big"\n dog. ', "Is it?") == (
            'Description, as a JSON string:\n"A \\"big\\" dog."\nQuestion: Is it?\nAnswer (Yes, No or n/a):'
        )


def endpoint(**more: Any) -> Endpoint:
    return Endpoint(kind="openai", base_url="http://judge/v1/", model="m", **more)


def asking(transport: httpx.MockTransport, **more: Any) -> EndpointJudge:
    settings = endpoint(**more)
    return EndpointJudge(settings, ChatClient(settings, transport))


def saying(text: str | None) -> httpx.Response:
    return httpx.Response(200, json={"choices": [{"message": {"content": text}}]})


class TestEndpoint:
    """What becomes of requests is held by tests/chat."""

    def test_request(self) -> None:
        bodies: list[Any] = []
        transport = httpx.MockTransport(
            lambda request: bodies.append(json.loads(request.content)) or saying("Yes")  # type: ignore[func-returns-value]
        )
        assert asking(transport).reply(["p"]) == ["Yes"]
        assert bodies == [
            {
                "model": "m",
                "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "p"}],
                "temperature": 0,
                "max_tokens": 16,
            }
        ]

    def test_nothing_said_is_unparsable_and_no_error(self) -> None:
        assert asking(httpx.MockTransport(lambda request: saying(None))).reply(["p"]) == [""]

    def test_order_is_that_of_the_prompts(self) -> None:
        transport = httpx.MockTransport(
            lambda request: saying(json.loads(request.content)["messages"][1]["content"].upper())
        )
        prompts = [f"p{i}" for i in range(20)]
        assert asking(transport, parallel=4).reply(prompts) == [text.upper() for text in prompts]

    def test_a_server_that_refuses(self) -> None:
        with pytest.raises(CimError, match="HTTP 401"):
            asking(httpx.MockTransport(lambda request: httpx.Response(401))).reply(["p"])


class TestLocal:
    def test_a_tiny_model_answers_each_prompt(self, tmp_path: Path) -> None:
        """Random weights: what comes back is nonsense, one for each prompt, whatever the batches."""
        from tokenizers.pre_tokenizers import ByteLevel
        from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen2TokenizerFast

        from cim.detailed.local import LocalJudge

        letters = {letter: number for number, letter in enumerate(["<end>", *sorted(ByteLevel.alphabet())])}
        Qwen2TokenizerFast(vocab=letters, merges=[], eos_token="<end>", pad_token=None).save_pretrained(tmp_path)
        config = Qwen2Config(
            vocab_size=300, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=1, eos_token_id=0, bos_token_id=0,
        )  # fmt: skip
        Qwen2ForCausalLM(config).save_pretrained(tmp_path)
        prompts = ["Yes", "No Yes No", "Yes Yes"]
        replies = LocalJudge(Local(kind="local", folder=str(tmp_path), device="cpu", batch=2)).reply(prompts)
        assert len(replies) == 3
        assert LocalJudge(Local(kind="local", folder=str(tmp_path), device="cpu", batch=3)).reply(prompts) == replies

    def test_pickles_are_refused(self, tmp_path: Path) -> None:
        from cim.detailed.local import LocalJudge

        (tmp_path / "pytorch_model.bin").touch()
        with pytest.raises(CimError, match=r"no \.safetensors"):
            LocalJudge(Local(kind="local", folder=str(tmp_path), device="cpu"))


class TestSettings:
    def read(self, folder: Path, text: str) -> Endpoint | Local:
        (folder / "judge.yaml").write_text(text)
        return read_settings(folder / "judge.yaml")

    def test_both_kinds(self, tmp_path: Path) -> None:
        assert self.read(tmp_path, "{kind: openai, base_url: 'https://a/v1', model: m}") == Endpoint(
            kind="openai", base_url="https://a/v1", model="m"
        )
        assert self.read(tmp_path, "{kind: local, folder: models/judge}") == Local(kind="local", folder="models/judge")

    @pytest.mark.parametrize(
        "text",
        ["", "[", "{kind: other}", "{kind: openai, model: m}", "{kind: local, folder: a, key: b}",
         "{kind: openai, base_url: 'ftp://a', model: m}", "{kind: openai, base_url: 'http://a:1x/v1', model: m}",
         "{kind: openai, base_url: 'https://a/v1', model: m, model: n}",
         "{kind: openai, base_url: 'https://a/v1', model: m, body: {stop: 2020-01-01}}",
         "{kind: openai, base_url: 'https://a/v1', model: m, body: {top_p: .nan}}",
         "{kind: openai, base_url: 'https://a/v1', model: m, body: {logit_bias: {50256: -100}}}"],
    )  # fmt: skip
    def test_refused(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(CimError, match=r"judge\.yaml"):
            self.read(tmp_path, text)

    def test_all_mistakes_at_once(self, tmp_path: Path) -> None:
        with pytest.raises(CimError, match="3 problem"):
            self.read(tmp_path, "{kind: openai, base_url: 5, modell: m}")


class TestMemory:
    def test_nothing_is_asked_twice_not_even_by_another_run(self, tmp_path: Path) -> None:
        first, second = Scripted(), Scripted()
        replies = CachedJudge(first, "m", tmp_path / "answers").reply(["a? Question", "b? Question", "a? Question"])
        again = CachedJudge(second, "m", tmp_path / "answers")
        assert again.reply(["b? Question", "a? Question", "c? Question"])[:2] == [replies[1], replies[0]]
        assert first.asked == ["a? Question", "b? Question"]
        assert second.asked == ["c? Question"]

    def test_another_models_answers_are_not_taken(self, tmp_path: Path) -> None:
        other = Scripted()
        CachedJudge(Scripted(), "m", tmp_path / "answers").reply(["a"])
        CachedJudge(other, "other", tmp_path / "answers").reply(["a"])
        assert other.asked == ["a"]

    def test_a_line_cut_off_is_asked_again(self, tmp_path: Path) -> None:
        path, judge = tmp_path / "answers", Scripted()
        CachedJudge(Scripted(), "m", path).reply(["a", "b"])
        path.write_bytes(path.read_bytes()[:-5])
        CachedJudge(judge, "m", path).reply(["a", "b"])
        assert judge.asked == ["b"]
        CachedJudge(Scripted(), "m", path)  # the file is whole again

    def test_another_file(self, tmp_path: Path) -> None:
        (tmp_path / "answers").write_text("hello\n")
        with pytest.raises(CimError, match="no file of answers"):
            CachedJudge(Scripted(), "m", tmp_path / "answers")
