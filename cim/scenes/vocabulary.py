"""What scenes are made of and the words for it. Drawing, describing and parsing share this one list."""

SHAPES = ("circle", "square", "triangle", "star", "diamond", "cross")
COLORS = {
    "red": (214, 39, 40),
    "orange": (255, 140, 20),
    "yellow": (240, 215, 40),
    "green": (44, 150, 60),
    "blue": (40, 90, 215),
    "purple": (145, 70, 190),
}
SIZES = ("small", "large")
TEXTURES = ("plain", "striped", "dotted")
BACKGROUNDS = {
    "white": (248, 248, 246),
    "gray": (172, 174, 178),
    "pink": (252, 196, 212),
    "brown": (176, 138, 104),
}

LEFT, RIGHT, ABOVE, BELOW, INSIDE = "left of", "right of", "above", "below", "inside"
RELATIONS = (LEFT, RIGHT, ABOVE, BELOW, INSIDE)
INVERSE = {LEFT: RIGHT, RIGHT: LEFT, ABOVE: BELOW, BELOW: ABOVE}

# Every wording of a fact; the first is the plainest. No wording may contain another fact's wording.
WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "size": {"small": ("small", "little"), "large": ("large", "big")},
    "texture": {"plain": ("plain", "solid"), "striped": ("striped",), "dotted": ("dotted", "spotted")},
    "shape": {
        "circle": ("circle", "disc"),
        "square": ("square", "box"),
        "triangle": ("triangle",),
        "star": ("star",),
        "diamond": ("diamond",),
        "cross": ("cross",),
    },
    "relation": {
        LEFT: ("to the left of", "left of"),
        RIGHT: ("to the right of", "right of"),
        ABOVE: ("above", "over"),
        BELOW: ("below", "under"),
        INSIDE: ("inside", "within"),
    },
}
NUMBERS = {2: "two", 3: "three"}
PLURALS = {word: word + ("es" if word in ("cross", "box") else "s") for ws in WORDS["shape"].values() for word in ws}
