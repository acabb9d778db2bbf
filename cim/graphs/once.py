"""A parser that reads each text once, whoever says it again."""

from collections.abc import Sequence

from cim.graphs.graph import GraphParser, TextGraph


class ReadOnce:
    """Meets GraphParser: what `parser` makes of a text is kept."""

    def __init__(self, parser: GraphParser) -> None:
        self._parser, self._read = parser, dict[str, TextGraph]()

    def parse(self, captions: Sequence[str]) -> list[TextGraph]:
        """The graph of each, in their order."""
        new = [text for text in dict.fromkeys(captions) if text not in self._read]
        self._read |= zip(new, self._parser.parse(new), strict=True)
        return [self._read[text] for text in captions]
