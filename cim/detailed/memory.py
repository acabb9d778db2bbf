"""Answers kept in a file, so that a run that breaks off does not ask (and pay) again."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from cim.detailed.judge import SYSTEM, Judge
from cim.errors import CimError


class Remembering:
    """Meets Judge: asks another one only what `path` does not hold yet.

    The file has one JSON object a line, {"key", "reply"}; the key is of model, system prompt and prompt. A last line
    that a broken-off run left half written is cut off.
    """

    def __init__(self, judge: Judge, model: str, path: Path) -> None:
        """model: names the judge, so that another one's answers are not taken for its own. Raises CimError."""
        self._judge, self._model, self._path = judge, model, path
        self._known: dict[str, str] = {}
        if path.exists():
            self._read()

    def reply(self, prompts: Sequence[str]) -> list[str]:
        """Replies in the order of the prompts; new ones are added to the file."""
        keys = [self._key(prompt) for prompt in prompts]
        new = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in self._known}
        if new:
            replies = dict(zip(new, self._judge.reply(list(new.values())), strict=True))
            lines = [json.dumps({"key": key, "reply": text}) for key, text in replies.items()]
            with self._path.open("a", encoding="utf-8") as out:
                out.write("".join(f"{line}\n" for line in lines))
            self._known |= replies
        return [self._known[key] for key in keys]

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
        return hashlib.sha256("\0".join((self._model, SYSTEM, prompt)).encode()).hexdigest()[:32]
