"""A part's samples decoded ahead, and in windows that are cut at the same places on every run."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from cim.engines.prepared import held_bytes
from cim.engines.spec import Prepare
from cim.images.checks import Checked, Limits, Reason, Unusable, decode
from cim.images.ids import content_id
from cim.readers.base import Item, Problem
from cim.records import Reject

BATCHES = 8  # batches in one window: enough for sorting by length to pay
WINDOW_BYTES = 512 * 2**20  # of prepared pictures in one window, whatever the size of the shard
_SAME = {"jpg": ("jpg", "jpeg")}  # names of one format that are kept as found


@dataclass(frozen=True)
class Picture:
    """A usable sample, its encoded bytes let go. at: its place in the part, rejects counted. name, text: as in Item.

    id: of its bytes. suffix: fits its content. size: width and height in pixels. prepared: for the engine.
    """

    at: int
    name: str
    text: str | None
    id: str
    suffix: str
    size: tuple[int, int]
    prepared: Any
    nbytes: int


@dataclass(frozen=True)
class Unused:
    """A sample that is not captioned."""

    at: int
    reject: Reject


@dataclass
class Window:
    """What the engine plans its batches over. read: samples of the part it stands for, usable or not.

    rejects: of those that are not, by their place in the part.
    """

    pictures: list[Picture] = field(default_factory=list)
    rejects: dict[int, Reject] = field(default_factory=dict)
    read: int = 0
    nbytes: int = 0


def picture_of(
    at: int, item: Item, limits: Limits, prepare: Prepare, draft_pixels: int | None = None
) -> Picture | Unused:
    """What comes of an item: its picture, decoded and prepared, or why there is none."""
    try:
        if (problem := problem_of(item)) or item.image is None:
            raise Unusable(*(problem or (Reason.WITHOUT_IMAGE, "")))
        facts, pixels = decode(item.image, limits, draft_pixels)
    except Unusable as found:
        return Unused(at, Reject(item.name, found.reason.value, found.detail))
    text, size = next(iter(item.captions), None), (facts.width, facts.height)
    prepared = prepare(pixels, item.image)
    name, suffix = content_id(item.image), _suffix(item, facts)
    return Picture(at, item.name, text, name, suffix, size, prepared, held_bytes(prepared))


def ahead(
    items: Iterable[tuple[int, Item]],
    work: Callable[[int, Item], Future[Picture | Unused]],
    room: Callable[[], bool],
) -> Iterator[Picture | Unused]:
    """What comes of the work that is begun for each item, in order, as soon as it is there.

    room: whether another one may be begun; waits for a moment, or until some work is done, where it may not.
    """
    begun: deque[Future[Picture | Unused]] = deque()
    try:
        for at, item in items:
            while not room():
                yield from _done(begun)
            begun.append(work(at, replace(item, facts={})))
            yield from _done(begun)
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()


def _done(begun: deque[Future[Picture | Unused]]) -> Iterator[Picture | Unused]:
    """What is done up to the first that is not."""
    while begun and begun[0].done():
        yield begun.popleft().result()


def windows(found: Iterable[Picture | Unused], size: int, max_bytes: int) -> Iterator[Window]:
    """Windows of `size` usable samples at most and about `max_bytes` of pictures; together they hold all samples.

    Where a window ends depends on the samples before it alone, so that a resumed run, given those behind its
    last finished window, cuts the rest as an undisturbed one does.
    """
    window = Window()
    for one in found:
        window.read += 1
        if isinstance(one, Unused):
            window.rejects[one.at] = one.reject
        else:
            window.pictures.append(one)
            window.nbytes += one.nbytes
        if len(window.pictures) >= size or window.nbytes >= max_bytes or len(window.rejects) >= size:
            yield window
            window = Window()
    if window.read:
        yield window


def problem_of(item: Item) -> Problem | None:
    """Why an item is not captioned. What it came with goes into the new shard whole, or the item doesn't.

    Only an empty caption is nothing to lose.
    """
    lost = (one for one in item.lost if one[0] != Reason.CAPTION_EMPTY)
    return item.problem or next(lost, None)


def _suffix(item: Item, facts: Checked) -> str:
    """The original extension where it says what the content is, else the content's: loaders go by it."""
    return item.suffix if item.suffix in _SAME.get(facts.suffix, (facts.suffix,)) else facts.suffix
