"""Captions of generated scenes to graphs, by the grammar that wrote them."""

from collections.abc import Sequence
from typing import Any

from cim.graphs.graph import GraphBuilder, TextGraph
from cim.scenes.parse import parse

_SAID = ("color", "size", "texture", "other")


class SceneParser:
    """Meets GraphParser. The background is an object, its colour an attribute; objects of one shape are one.

    What is denied, and relations with an end that is not named, are left out.
    """

    def parse(self, captions: Sequence[str]) -> list[TextGraph]:
        """One graph a caption."""
        return [_graph(parse(caption)) for caption in captions]


def _graph(scene: dict[str, Any]) -> TextGraph:
    builder = GraphBuilder()
    for value in _values(scene, "background"):
        builder.add_attribute("background", value)
    for thing in scene["objects"]:
        builder.add_object(thing["shape"])
        for value in (value for kind in _SAID for value in _values(thing, kind)):
            builder.add_attribute(thing["shape"], value)
        if thing["count"] is not None:
            builder.add_count(thing["shape"], thing["count"])
    for subject, relation, other in scene["relations"]:
        if subject is not None and other is not None and not relation.startswith("not "):
            builder.add_relation(scene["objects"][subject]["shape"], relation, scene["objects"][other]["shape"])
    return builder.graph()


def _values(thing: dict[str, Any], kind: str) -> list[str]:
    first = [] if thing.get(kind) is None else [thing[kind]]
    return first + [value for name, value in thing.get("extra", ()) if name == kind]
