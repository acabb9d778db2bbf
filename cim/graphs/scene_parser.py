"""Captions of generated scenes to graphs, by the grammar that wrote them."""

from collections.abc import Sequence
from typing import Any

from cim.graphs.graph import GraphBuilder, TextGraph
from cim.scenes.parse import parse

_SAID = ("color", "size", "texture")


class SceneParser:
    """Meets GraphParser. The background is an object, its colour an attribute; objects of one shape are one."""

    def parse(self, captions: Sequence[str]) -> list[TextGraph]:
        """One graph a caption."""
        return [_graph(parse(caption)) for caption in captions]


def _graph(scene: dict[str, Any]) -> TextGraph:
    builder = GraphBuilder()
    if scene["background"] is not None:
        builder.add_attribute("background", scene["background"])
    for thing in scene["objects"]:
        builder.add_object(thing["shape"])
        for kind in _SAID:
            if thing[kind] is not None:
                builder.add_attribute(thing["shape"], thing[kind])
        if thing["count"] is not None:
            builder.add_count(thing["shape"], thing["count"])
    for subject, relation, other in scene["relations"]:
        builder.add_relation(scene["objects"][subject]["shape"], relation, scene["objects"][other]["shape"])
    return builder.graph()
