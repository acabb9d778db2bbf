"""The engine of a server that speaks OpenAI's chat completions: many requests at once, tried again when they fail."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, Self

from cim.captioners.decoding import Decoding, Generated
from cim.chat.client import ChatClient, NoAnswer, RefusedRequest, Reply
from cim.chat.held_back import HeldBack
from cim.engines.endpoint_options import identity_of
from cim.engines.spec import Answer, EngineSpec, Prepare, Request
from cim.engines.upload import Upload
from cim.errors import CimError, EngineLost

_REASONS = {"stop": "stop", "eos": "stop", "": "stop", "length": "length"}


class _Done(NamedTuple):
    """A request that is over. began, ended: seconds on the monotonic clock."""

    number: int
    outcome: Generated | BaseException
    retries: int
    began: float
    ended: float


@dataclass
class Endpoint:
    """A `ContinuousBackend`. asked: the prompt's text; the server's chat template is put around it, as around a
    request's own. A server that is gone makes no rejects: see `HeldBack`.
    """

    client: ChatClient
    asked: str
    body: dict[str, Any]
    prepare: Prepare
    retried: int = 0
    _pool: ThreadPoolExecutor = field(init=False)
    _answers: "SimpleQueue[_Done]" = field(default_factory=SimpleQueue, init=False)
    _in_flight: int = field(default=0, init=False)
    _held: HeldBack[Answer] = field(init=False)
    _broken: BaseException | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.client.server.parallel, "request")
        self._held = HeldBack(self.client.server.parallel, self.client.identity, "caption.endpoint")

    @classmethod
    def open(cls, spec: EngineSpec) -> Self:
        """Raises CimError where the server is not the one that the work was planned with."""
        options = spec.endpoint
        assert options is not None, "the spec of an endpoint has one"
        client = ChatClient(options.server)
        if (found := identity_of(client)) != options.identity:
            raise CimError(
                f"{options.server.base_url} is {found}, and was {options.identity} when the run began",
                "the same model and version for a whole run",
                "run again: all shards are then made by the one that is there now",
            )
        return cls(client, spec.prompt, json.loads(options.body), Upload(options.max_pixels, options.reencode))

    @property
    def capacity(self) -> int:
        """A quarter more than the server is asked at once: the next ones are ready when one ends."""
        return self.client.server.parallel + -(-self.client.server.parallel // 4)

    def submit(self, request: Request) -> None:
        """As `ContinuousBackend` says."""
        self._in_flight += 1
        self._pool.submit(self._ask, request, self._answers)

    def collect(self, wait: float) -> Sequence[Answer]:
        """As `ContinuousBackend` says. Raises EngineLost where the server answers no more."""
        found: list[Answer] = []
        try:
            done = self._answers.get(timeout=wait) if wait else self._answers.get_nowait()
            while self._broken is None:
                found += self._taken(done)
                done = self._answers.get_nowait()
        except Empty:
            pass
        if found:
            return found  # what went wrong behind them is told the next time: they are good
        if self._broken is not None:
            broken, self._broken = self._broken, None
            self._forget()
            raise broken
        return self._nobody_else()

    def close(self) -> None:
        """Requests under way fail, and nobody hears of it."""
        self._forget()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.client.close()

    def _ask(self, request: Request, answers: "SimpleQueue[_Done]") -> None:
        """In a thread of its own."""
        outcome: Generated | BaseException
        retries, began = 0, time.monotonic()
        try:
            reply = self.client.complete(self._messages(request), self._fields(request.key, request.decoding))
            outcome, retries = _generated(reply), reply.retries
        except RefusedRequest as error:
            outcome = ValueError(error.found)
        except BaseException as error:
            outcome = error
            retries = self.client.server.attempts - 1 if isinstance(error, NoAnswer) else 0
        answers.put(_Done(request.number, outcome, retries, began, time.monotonic()))

    def _messages(self, request: Request) -> list[dict[str, Any]]:
        asked = self.asked if request.prompt is None else request.prompt
        content = [{"type": "image_url", "image_url": {"url": request.prepared}}, {"type": "text", "text": asked}]
        return [{"role": "user", "content": content}]

    def _fields(self, key: str, decoding: Decoding) -> dict[str, Any]:
        """Ours, then the user's; the seed is the sample's own."""
        ours = {
            "max_tokens": decoding.max_new_tokens,
            "temperature": decoding.temperature,
            "seed": decoding.seed_of(key),
        }
        return {name: value for name, value in (ours | self.body).items() if value is not None}

    def _taken(self, done: _Done) -> list[Answer]:
        """What is known for sure now: this one, and those that ended before a request which the server answers."""
        outcome = done.outcome
        self._in_flight -= 1
        self.retried += done.retries
        if isinstance(outcome, NoAnswer):
            self._held.fail(done.ended, outcome.found, Answer(done.number, ValueError(outcome.found)))
            return []
        if not isinstance(outcome, (Generated, ValueError)):
            self._broken = outcome
            return []
        return [*self._held.answered(done.began), Answer(done.number, outcome)]

    def _nobody_else(self) -> list[Answer]:
        """Those held back, when no other request can tell whether the server is there."""
        if self._in_flight:
            return []
        try:
            return self._held.settle()
        except EngineLost:
            self._forget()
            raise

    def _forget(self) -> None:
        """Nothing is in flight any more, as far as anybody here is told."""
        self._answers, self._in_flight = SimpleQueue(), 0
        self._held.forget()


def _generated(reply: Reply) -> Generated | ValueError:
    if (reason := _REASONS.get(reply.finish_reason)) is None:
        return ValueError(f"the server ended with {reply.finish_reason!r}")
    return Generated(reply.text.strip(), reason, reply.tokens, reply.tokens_in)
