"""The common form of graphs, and the parser of generated scenes in it."""

from cim.graphs.graph import GraphBuilder, TextGraph, restricted
from cim.graphs.open import open_parser


def test_facts_once_sorted_with_their_ends_named() -> None:
    builder = GraphBuilder()
    for _ in range(2):
        builder.add_relation("dog", "on", "sofa")
        builder.add_attribute("dog", "old")
        builder.add_attribute("dog", "brown")
    builder.add_count("cat", 2)
    builder.add_count("cat", 3)
    assert builder.graph() == TextGraph(
        ("cat", "dog", "sofa"), {"dog": ("brown", "old")}, (("dog", "on", "sofa"),), {"cat": 2}
    )


def test_restricted_to_names() -> None:
    graph = TextGraph(("a", "b", "c"), {"a": ("x",), "c": ("y",)}, (("a", "on", "b"), ("b", "on", "c")), {"c": 2})
    assert restricted(graph, ["a", "b"]) == TextGraph(("a", "b"), {"a": ("x",)}, (("a", "on", "b"),))


def test_scenes_in_the_same_form() -> None:
    parser = open_parser("scenes", None, "cpu")
    (graph,) = parser.parse(["two red circles left of a big square on a white background"])
    assert graph == TextGraph(
        ("background", "circle", "square"),
        {"background": ("white",), "circle": ("red",), "square": ("large",)},
        (("circle", "left of", "square"),),
        {"circle": 2, "square": 1},
    )
