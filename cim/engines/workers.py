"""Work done ahead of its use by other processes, a bounded part of it: torch's DataLoader, kept between calls."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from cim.errors import TransientError
from cim.forks import can_fork, end_alone

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers(Generic[Item, Result]):
    """Processes that do `work` ahead. They start at once and end with this object, or seconds after their parent.

    start: fork has all modules at hand and must start before CUDA does and before there is much that is not needed;
    forkserver begins with clean processes: `work` is pickled, `modules` are imported once for all.
    """

    def __init__(
        self,
        work: Callable[[Item], Result],
        processes: int,
        start: Literal["fork", "forkserver"] = "fork",
        modules: Sequence[str] = (),
    ) -> None:
        self.start = start
        self._work, self._processes, self._modules = work, processes, list(modules)
        self._items = _Items()
        self._in_use = False
        self._loader = self._open()

    def _open(self) -> Any:
        from torch.utils.data import DataLoader

        context = multiprocessing.get_context(self.start)
        if self.start == "forkserver":
            context.set_forkserver_preload(self._modules)
        loader: Any = DataLoader(
            _Work(self._work),  # type: ignore[arg-type]
            batch_sampler=self._items,
            num_workers=self._processes,
            prefetch_factor=1,
            collate_fn=_identity,
            persistent_workers=True,
            multiprocessing_context=context,
            worker_init_fn=_begin,
        )
        iter(loader)  # with nothing to do yet: starts them
        return loader

    @contextmanager
    def ahead(self, items: Iterable[Item]) -> Iterator[Iterator[Result]]:
        """work(item) of every item, in order; each process makes one result while the one before is used.

        A call while another's results are not used up does its work in this process, nothing ahead.
        At most processes + 1 results exist at any time, the one in use included; items are taken no sooner than
        needed and pickled. A ValueError of `work` is raised in its place, as ValueError with the same text. Raises
        TransientError when a process dies; the next call starts new ones.
        """
        if self._in_use:  # a loader does one thing at a time: what is asked meanwhile is done here
            yield map(self._work, items)
            return
        if self._loader is None:
            self._loader = self._open()
        self._in_use, self._items.of = True, items
        try:
            yield self._results()
        except RuntimeError as error:  # torch raises it here or, by a signal, wherever the main thread is
            if "DataLoader worker (pid" not in str(error):
                raise
            self._loader = None
            raise TransientError(
                f"a process that prepares images died ({str(error).strip()})",
                f"{self._processes} of them alive (runtime.prefetch, with runtime.prefetch_in: processes)",
                "look whether memory, or shared memory (/dev/shm), ran out: less caption.batch_size, runtime.prefetch"
                " or models.captioner.max_pixels; or runtime.prefetch_in: threads",
            ) from error.with_traceback(None)  # its frames would keep the other processes alive
        finally:
            self._in_use, self._items.of = False, ()

    def _results(self) -> Iterator[Result]:
        for made in self._loader:
            if isinstance(made, _Refused):
                raise ValueError(made.why)
            yield made


class _Items:
    """What DataLoader takes for indices of batches: the items themselves, of one call after the other."""

    of: Iterable[Any] = ()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.of)


@dataclass(frozen=True)
class _Refused:
    """A ValueError on its way: as such, DataLoader would wrap its text in a traceback's."""

    why: str


@dataclass(frozen=True)
class _Work:
    """What DataLoader takes for a data set."""

    work: Callable[[Any], Any]

    def __getitems__(self, item: Any) -> Any:  # torch's name for a whole batch
        try:
            return self.work(item)
        except ValueError as error:
            return _Refused(str(error))


def start_beside(device: str) -> Literal["fork", "forkserver"]:
    """How processes start beside a model on `device`: clean ones where forked ones would not live. CUDA does not
    survive a fork."""
    return "fork" if device == "cpu" and can_fork() else "forkserver"


def _begin(worker: int) -> None:
    end_alone()


def _identity(made: Any) -> Any:
    return made
