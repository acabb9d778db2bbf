"""Ray actors that keep a model over shards: one a GPU, each at several shards at once, restarted where one dies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any, Self

from prefect import Task

from cim.errors import CimError, TransientError
from cim.params import Runtime
from flows.model_workers import SHARDS
from flows.runners import in_folder, missing_extra


class Worker:
    """What runs in the cluster, in a process of its own."""

    def here(self, folder: Path) -> None:
        """Go to the folder that paths are relative to; raises CimError where it is missing."""
        in_folder(lambda: None, folder)()

    def run(self, work: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """One shard; several at once share what the process keeps."""
        return work(*arguments, **named)


@dataclass
class Member:
    """An actor. load: shards that it has. begun: its answer to `here`, None once that was heard."""

    actor: Any
    begun: Any
    load: int = 0


@dataclass
class RayWorkers:
    """All actors of a run. Work goes to the one with least, of those that are up; others get it once they are."""

    ray: Any
    members: list[Member]
    folder: Path
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    @contextmanager
    def started(cls, runtime: Runtime, items: int) -> Iterator[Self]:
        """As many as the cluster has room for, `items` at most; a cluster of this machine where params name none."""
        try:
            import ray
        except ImportError as error:
            raise missing_extra("ray", error) from error
        ours = not ray.is_initialized()
        if ours and runtime.address:
            ray.init(address=runtime.address)
        elif ours:
            ray.init(num_cpus=runtime.workers * runtime.torch_threads, include_dashboard=False)
        members = list[Member]()
        try:
            room = ray.cluster_resources()
            most = room.get("CPU", 0) // runtime.torch_threads
            if runtime.gpus_per_task:
                most = min(most, room.get("GPU", 0) // runtime.gpus_per_task)
            actor = ray.remote(Worker).options(
                num_cpus=runtime.torch_threads,
                num_gpus=runtime.gpus_per_task,
                max_concurrency=SHARDS,
                max_restarts=-1,
                max_task_retries=0,  # a shard is tried again by the flow, wherever there is room
            )
            for _ in range(max(1, min(int(most), items))):
                one = actor.remote()
                members.append(Member(one, one.here.remote(Path.cwd())))
            yield cls(ray, members, Path.cwd())
        finally:
            for member in members:
                ray.kill(member.actor)
            if ours:
                ray.shutdown()

    def __len__(self) -> int:
        return len(self.members)

    def handed_over(self, task: Task[..., Any]) -> Task[..., Any]:
        """The task, its work done by one of the actors."""
        work = task.fn

        @wraps(work)
        def elsewhere(*arguments: Any, **named: Any) -> Any:
            return self._run(work, arguments, named)

        found = task.with_options()
        found.fn = elsewhere
        return found

    def _run(self, work: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        member = self._least()
        try:
            return self._heard(member.actor.run.remote(work, arguments, named))
        except self.ray.exceptions.RayActorError as error:
            with self._lock:  # it is started anew, here or elsewhere
                if member.begun is None:
                    member.begun = member.actor.here.remote(self.folder)
            raise TransientError(
                f"a worker of the cluster that died ({str(error).splitlines()[0]})",
                "workers that live",
                "look into its log whether memory ran out; its shards are tried again",
            ) from error
        finally:
            with self._lock:
                member.load -= 1

    def _least(self) -> Member:
        """The actor to take the next shard; waits until one is up."""
        while True:
            with self._lock:
                for member in self.members:
                    if member.begun is not None and self.ray.wait([member.begun], timeout=0)[0]:
                        self._up(member)
                up = [member for member in self.members if member.begun is None]
                if up:
                    found = min(up, key=lambda one: one.load)
                    found.load += 1
                    return found
                awaited = [member.begun for member in self.members]
            self.ray.wait(awaited, timeout=1)

    def _up(self, member: Member) -> None:
        try:
            self._heard(member.begun)
            member.begun = None
        except self.ray.exceptions.RayActorError:  # died again
            member.begun = member.actor.here.remote(self.folder)

    def _heard(self, answer: Any) -> Any:
        """What came of it, errors as they were raised."""
        try:
            return self.ray.get(answer)
        except self.ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise (cause if isinstance(cause, CimError) else error) from None
