"""What a server says to each refiner that asks one, and a server that fails, hangs and answers in the wrong form."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chat_server import Script, picture, said
from refined_shards import fused, numbers_in

Answer = Callable[[Any], Any]
HANGS, FAILS, LOOPS, WRONG, ONCE = 7, 11, 13, 17, 19  # of every hundred samples; of those that hang the first alone
LOOP, FORM = "a gray square, " * 12, '```json\n{"caption": "a gray square"}\n```'


def shown(body: Any) -> str:
    """The prompt."""
    content = body["messages"][0]["content"]
    return str(content if isinstance(content, str) else content[1]["text"])


def asked_about(body: Any) -> list[int]:
    """Numbers of the samples: by the captions in a prompt, or by the shade of the picture."""
    content = body["messages"][0]["content"]
    if isinstance(content, str):
        return numbers_in(content)
    return [picture(body).convert("L").getpixel((0, 0))]  # type: ignore[list-item]


def drops(body: Any) -> Any:
    """Knows the square, and not the wall; the caption without it."""
    content = body["messages"][0]["content"]
    if not isinstance(content, str):
        letters = dict(re.findall(r"^([A-Z])\) (.*)$", shown(body), re.M))
        return said(next((letter for letter, option in letters.items() if option == "gray"), "Z"))
    if "Facts to leave out" in content:
        return said(f"a gray square number {numbers_in(content)[0]}")
    return said("What color? | gray | red\nWhich wall? | plain | brick")


def enriches(body: Any) -> Any:
    """Asks one thing and says that it is old."""
    content = body["messages"][0]["content"]
    if not isinstance(content, str):
        return said("It is old.")
    if "Answers:" in content:
        return said(f"a gray square number {numbers_in(content)[0]} on a plain wall. It is old.")
    return said("Is it old?")


def agrees(body: Any) -> Any:
    """The first of the captions shown."""
    return said(f"a gray square number {numbers_in(shown(body))[0]} on a plain wall")


HONEST: dict[str, Answer] = {
    "fuse_alt_text": fused, "drop_unanswerable": drops, "enrich": enriches, "consensus": agrees,
}  # fmt: skip


def unreliable(script: Script, honest: Answer, log: Path, hangs: float) -> Answer:
    """Answers as `honest` does, but for some samples; a line of `log` for each that it is asked about."""
    failed = set[int]()

    def answer(body: Any) -> Any:
        numbers, seen = asked_about(body), not isinstance(body["messages"][0]["content"], str)
        with script.lock, log.open("a") as lines:
            lines.write("".join(f"{number}\n" for number in numbers))
        kinds = {number % 100: number for number in numbers}
        if HANGS in numbers:
            time.sleep(hangs)
        if FAILS in kinds:
            return 500, "no"
        if ONCE in kinds and kinds[ONCE] not in failed:
            failed.add(kinds[ONCE])
            return 503, "busy"
        if not seen and (LOOPS in kinds or WRONG in kinds):
            return said(LOOP if LOOPS in kinds else FORM)
        return honest(body)

    return answer
