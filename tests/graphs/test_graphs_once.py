"""A parser that reads each text once."""

from collections.abc import Sequence

from cim.graphs.graph import TextGraph
from cim.graphs.once import ReadOnce


class Words:
    """A parser by hand: every word is an object. seen: what it was given."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def parse(self, captions: Sequence[str]) -> list[TextGraph]:
        self.seen.extend(captions)
        return [TextGraph(tuple(text.split())) for text in captions]


def test_each_text_is_read_once() -> None:
    words = Words()
    parser = ReadOnce(words)
    assert parser.parse(["horse", "trees", "horse"]) == Words().parse(["horse", "trees", "horse"])
    parser.parse(["trees", "dogs here"])
    assert words.seen == ["horse", "trees", "dogs here"]
