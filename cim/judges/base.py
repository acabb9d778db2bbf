"""A text model behind one interface, and one that remembers its answers in a file."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cim.errors import CimError


class Judge(Protocol):
    """A language model, local or remote, with a system prompt of its own, without sampling."""

    def reply(self, prompts: Sequence[str]) -> list[str]:
        """What the model says to each prompt. Raises CimError when one stays without an answer."""

    def attempt(self, prompts: Sequence[str]) -> list[str | None]:
        """As `reply`, but None for a prompt that stays without an answer. Raises CimError where none can have one."""


class CachedJudge:
    """Meets Judge: asks another one only what `path` does not hold yet: a run that breaks off need not pay again.

    The file has one JSON object a line, {"key", "reply"}; the key is of model, system prompt and prompt. A last line
    that a broken-off run left half written is cut off.
    """

    def __init__(self, judge: Judge, model: str, system: str, path: Path) -> None:
        """model, system: name the judge and its system prompt, so that another one's answers are not taken for its own.

        Raises CimError for a file of something else.
        """
        self._judge, self._model, self._system, self._path = judge, model, system, path
        self._known: dict[str, str] = {}
        if path.exists():
            self._read()

    def reply(self, prompts: Sequence[str]) -> list[str]:
        """Replies in the order of the prompts; new ones are added to the file."""
        new = self._new(prompts)
        self._keep(dict(zip(new, self._judge.reply(list(new.values())) if new else [], strict=True)))
        return [self._known[self._key(prompt)] for prompt in prompts]

    def attempt(self, prompts: Sequence[str]) -> list[str | None]:
        """As `reply`; what stayed without an answer is not kept, and asked again the next time."""
        new = self._new(prompts)
        found = zip(new, self._judge.attempt(list(new.values())) if new else [], strict=True)
        self._keep({key: text for key, text in found if text is not None})
        return [self._known.get(self._key(prompt)) for prompt in prompts]

    def _new(self, prompts: Sequence[str]) -> dict[str, str]:
        """By key, those that have no answer yet."""
        keyed = {self._key(prompt): prompt for prompt in prompts}
        return {key: prompt for key, prompt in keyed.items() if key not in self._known}

    def _keep(self, replies: dict[str, str]) -> None:
        if replies:
            lines = [json.dumps({"key": key, "reply": text}) for key, text in replies.items()]
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as out:
                out.write("".join(f"{line}\n" for line in lines))
            self._known |= replies

    def _read(self) -> None:
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        try:
            entries = [json.loads(line) for line in whole.decode().splitlines()]
            self._known = {str(entry["key"]): str(entry["reply"]) for entry in entries}
        except (ValueError, KeyError, TypeError) as error:
            raise CimError(
                f"{self._path} is no file of answers ({error})",
                "what an earlier run with --answers wrote",
                "move it away",
            ) from error
        if len(whole) < len(content):
            with self._path.open("r+b") as file:
                file.truncate(len(whole))

    def _key(self, prompt: str) -> str:
        return hashlib.sha256("\0".join((self._model, self._system, prompt)).encode()).hexdigest()[:32]
