"""A part's samples in windows: decoded, checked, bounded in memory, cut at the same places on every run."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from PIL.Image import Image

from cim.images.checks import Checked, Limits, Reason, Unusable, decode
from cim.images.ids import content_id
from cim.readers.base import Item, Problem
from cim.records import Reject

BATCHES = 8  # batches in one window: enough for sorting by length to pay
WINDOW_BYTES = 512 * 2**20  # decoded pixels held at once, whatever the size of the shard
PIXEL_BYTES = 4  # as Pillow keeps RGB: three bytes and one of padding
_SAME = {"jpg": ("jpg", "jpeg")}  # names of one format that are kept as found


@dataclass(frozen=True)
class Picture:
    """A usable sample, its encoded bytes let go. at: its place in the part, rejects counted. name, text: as in Item.

    id: of its bytes. suffix: fits its content.
    """

    at: int
    name: str
    text: str | None
    id: str
    suffix: str
    pixels: Image


@dataclass
class Window:
    """What the engine plans its batches over. read: samples of the part it stands for, usable or not.

    rejects: of those that are not, by their place in the part.
    """

    pictures: list[Picture] = field(default_factory=list)
    rejects: dict[int, Reject] = field(default_factory=dict)
    read: int = 0
    nbytes: int = 0  # bytes of decoded pixels


def windows(items: Iterator[tuple[int, Item]], size: int, limits: Limits, max_bytes: int) -> Iterator[Window]:
    """Windows of `size` usable samples at most and about `held` bytes of pixels; together they hold all items.

    Where a window ends depends on the items before it alone, so that a resumed run, given the items behind its
    last finished window, cuts the rest as an undisturbed one does.
    """
    window = Window()
    for at, item in items:
        window.read += 1
        try:
            if (problem := problem_of(item)) or item.image is None:
                raise Unusable(*(problem or (Reason.WITHOUT_IMAGE, "")))
            facts, pixels = decode(item.image, limits)
        except Unusable as found:
            window.rejects[at] = Reject(item.name, found.reason.value, found.detail)
        else:
            window.pictures.append(
                Picture(
                    at, item.name, next(iter(item.captions), None), content_id(item.image), _suffix(item, facts), pixels
                )
            )
            window.nbytes += PIXEL_BYTES * facts.width * facts.height
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
