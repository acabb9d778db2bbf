"""A tiny captioner and images to train it on, as in tests of the other training."""

from tiny_scene import scene

__all__ = ["scene"]
