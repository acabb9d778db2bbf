"""A scorer of pairs learned from labelled ones: how much each dimension of the encoders counts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import save_file
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from cim.atomic import replacing

ENCODER = "encoder"  # in the file's metadata
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scorer:
    """The chance that a pair is right: the logistic function of bias + sum over d of weights * image * text.

    encoder: fingerprint of the encoder whose dimensions these are; None: nobody has said.
    """

    weights: Doubles
    bias: float
    encoder: str | None = None

    def queries(self, texts: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """(n, d) whose products with image vectors order pairs as the scores do."""
        return (texts.astype(np.float64) * self.weights).astype(np.float32)

    def chance(self, products: npt.NDArray[np.floating]) -> Doubles:
        """(n,) in (0, 1), of products of image vectors and `queries`."""
        return np.asarray(expit(self.bias + products.astype(np.float64)))

    def save(self, path: Path) -> None:
        """Write it as safetensors, atomically."""
        with replacing(path) as temporary:
            whose = None if self.encoder is None else {ENCODER: self.encoder}
            save_file({"weights": self.weights, "bias": np.array([self.bias])}, temporary, whose)

    @classmethod
    def load(cls, path: Path) -> "Scorer":
        """Raises OSError, KeyError or SafetensorError for a file that is none."""
        open_file: Any = safe_open  # of which its package says no types
        with open_file(path, framework="numpy") as opened:
            weights, bias = (opened.get_tensor(name) for name in ("weights", "bias"))
            return cls(weights, float(bias[0]), (opened.metadata() or {}).get(ENCODER))


def fit(images: npt.NDArray[np.floating], texts: npt.NDArray[np.floating], labels: Doubles, prior: float) -> Scorer:
    """The scorer of n labelled pairs by logistic regression. images, texts: (n, d) unit. labels: (n,) in [0, 1].

    weights = scale + own, one number for all dimensions (that of the plain cosine) plus one for each; only the latter
    are held near 0, by prior / 2 times the sum of their squares, in units of the dimensions' spread. Convex.
    """
    features = images.astype(np.float64) * texts.astype(np.float64)
    spread = np.maximum(features.std(axis=0), 1e-6)
    own, cosine = features / spread, features.sum(axis=1)
    together = cosine.std() or 1.0

    def loss(parameters: Doubles) -> tuple[float, Doubles]:
        bias, scale, weights = parameters[0], parameters[1], parameters[2:]
        logits = bias + scale * cosine / together + own @ weights
        off = expit(logits) - labels
        value = -(labels * log_expit(logits) + (1 - labels) * log_expit(-logits)).sum()
        value += prior / 2 * (weights**2).sum() + 1e-4 * scale**2  # the latter for pairs that a cosine tells apart
        gradient = np.concatenate([[off.sum()], [off @ cosine / together + 2e-4 * scale], off @ own + prior * weights])
        return float(value), gradient

    found = minimize(loss, np.zeros(2 + features.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return Scorer(found.x[1] / together + found.x[2:] / spread, float(found.x[0]))
