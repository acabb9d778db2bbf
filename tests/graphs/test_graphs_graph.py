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


def test_a_scene_caption_that_hedges() -> None:
    (graph,) = open_parser("scenes", None, "cpu").parse(["a red blue dog above a star, not green, inside. no cross"])
    assert graph == TextGraph(
        ("dog", "star"), {"dog": ("blue", "red")}, (("dog", "above", "star"),), {"dog": 1, "star": 1}
    )
