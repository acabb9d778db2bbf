"""An encoder whose cosines are chosen by the test."""

import numpy as np

from cim.graphs.phrases import Phrases, Vectors


def phrases(**angles: float) -> Phrases:
    """Unit vectors in the plane at the given degrees; "_" in a name stands for a space. Unknown phrases: a KeyError."""
    known = {name.replace("_", " "): np.radians(degrees) for name, degrees in angles.items()}

    def encode(texts: list[str]) -> Vectors:
        return np.array([[np.cos(known[text]), np.sin(known[text])] for text in texts], dtype=np.float32)

    return Phrases(encode)
