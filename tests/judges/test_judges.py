"""Judges: the endpoint over a planted transport, a tiny local model, remembered answers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from cim.chat.client import ChatClient
from cim.errors import CimError
from cim.judges.base import CachedJudge, Judge
from cim.judges.endpoint import EndpointJudge
from cim.judges.open import open_judge
from cim.params.judge import Endpoint, Local

SYSTEM = "Answer."


class Scripted:
    """Says each prompt back in capitals, nothing to those that are `silent`; keeps what it was asked."""

    def __init__(self, silent: set[str] | None = None) -> None:
        self.asked: list[str] = []
        self.silent = silent or set()

    def reply(self, prompts: Sequence[str]) -> list[str]:
        self.asked += prompts
        return [text.upper() for text in prompts]

    def attempt(self, prompts: Sequence[str]) -> list[str | None]:
        self.asked += prompts
        return [None if text in self.silent else text.upper() for text in prompts]


def endpoint(**more: Any) -> Endpoint:
    return Endpoint(kind="openai", base_url="http://judge/v1/", model="m", **more)


def asking(transport: httpx.MockTransport, **more: Any) -> EndpointJudge:
    settings = endpoint(**more)
    return EndpointJudge(settings, SYSTEM, ChatClient(settings, transport))


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

    def test_each_failure_is_one_prompts_own(self) -> None:
        """Out of reach for one prompt, refused for another, answered for the third; a wrong key ends it all."""
        answers = {"busy": httpx.Response(503), "bad": httpx.Response(422), "good": saying("A")}
        transport = httpx.MockTransport(lambda request: answers[json.loads(request.content)["messages"][1]["content"]])
        assert asking(transport, attempts=1).attempt(["busy", "good", "bad"]) == [None, "A", None]
        with pytest.raises(CimError, match="HTTP 401"):
            asking(httpx.MockTransport(lambda request: httpx.Response(401))).attempt(["p"])

    def test_a_server_that_refuses(self) -> None:
        with pytest.raises(CimError, match="HTTP 401"):
            asking(httpx.MockTransport(lambda request: httpx.Response(401))).reply(["p"])


def local(folder: Path, batch: int) -> Judge:
    return open_judge(Local(kind="local", folder=str(folder), device="cpu", batch=batch), SYSTEM)


class TestLocal:
    def test_a_tiny_model_answers_each_prompt(self, tmp_path: Path) -> None:
        """Random weights: what comes back is nonsense, one for each prompt, whatever the batches."""
        from tokenizers.pre_tokenizers import ByteLevel
        from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen2TokenizerFast

        letters = {letter: number for number, letter in enumerate(["<end>", *sorted(ByteLevel.alphabet())])}
        Qwen2TokenizerFast(vocab=letters, merges=[], eos_token="<end>", pad_token=None).save_pretrained(tmp_path)
        config = Qwen2Config(
            vocab_size=300, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=1, eos_token_id=0, bos_token_id=0,
        )  # fmt: skip
        Qwen2ForCausalLM(config).save_pretrained(tmp_path)
        prompts = ["Yes", "No Yes No", "Yes Yes"]
        replies = local(tmp_path, 2).reply(prompts)
        assert len(replies) == 3
        assert local(tmp_path, 3).reply(prompts) == replies

    def test_pickles_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "pytorch_model.bin").touch()
        with pytest.raises(CimError, match=r"no \.safetensors"):
            local(tmp_path, 1)


class TestMemory:
    def test_what_stayed_without_an_answer_is_asked_again(self, tmp_path: Path) -> None:
        judge = Scripted(silent={"b"})
        cached = CachedJudge(judge, "m", SYSTEM, tmp_path / "answers")
        assert cached.attempt(["a", "b", "a"]) == ["A", None, "A"]
        judge.silent.clear()
        assert cached.attempt(["a", "b"]) == ["A", "B"]
        assert judge.asked == ["a", "b", "b"]

    def test_nothing_is_asked_twice_not_even_by_another_run(self, tmp_path: Path) -> None:
        first, second = Scripted(), Scripted()
        replies = CachedJudge(first, "m", SYSTEM, tmp_path / "answers").reply(["a", "b", "a"])
        again = CachedJudge(second, "m", SYSTEM, tmp_path / "answers")
        assert again.reply(["b", "a", "c"])[:2] == [replies[1], replies[0]]
        assert first.asked == ["a", "b"]
        assert second.asked == ["c"]

    def test_another_models_answers_are_not_taken(self, tmp_path: Path) -> None:
        other = Scripted()
        CachedJudge(Scripted(), "m", SYSTEM, tmp_path / "answers").reply(["a"])
        CachedJudge(other, "other", SYSTEM, tmp_path / "answers").reply(["a"])
        assert other.asked == ["a"]

    def test_a_line_cut_off_is_asked_again(self, tmp_path: Path) -> None:
        path, judge = tmp_path / "answers", Scripted()
        CachedJudge(Scripted(), "m", SYSTEM, path).reply(["a", "b"])
        path.write_bytes(path.read_bytes()[:-5])
        CachedJudge(judge, "m", SYSTEM, path).reply(["a", "b"])
        assert judge.asked == ["b"]
        CachedJudge(Scripted(), "m", SYSTEM, path)  # the file is whole again

    def test_another_file(self, tmp_path: Path) -> None:
        (tmp_path / "answers").write_text("hello\n")
        with pytest.raises(CimError, match="no file of answers"):
            CachedJudge(Scripted(), "m", SYSTEM, tmp_path / "answers")


def test_a_longer_reply_is_asked_for_where_the_settings_leave_it_open() -> None:
    def tokens(**more: Any) -> Any:
        judge = open_judge(endpoint(**more), SYSTEM, tokens=64)
        assert isinstance(judge, EndpointJudge)
        return judge._settings.body.get("max_tokens")

    assert tokens() == 64
    assert tokens(body={"max_tokens": 32}) == 32
    assert tokens(body={"max_completion_tokens": 500}) is None
