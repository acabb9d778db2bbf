"""metrics.json of an evaluation with a single measure."""

from typing import Any


def metrics() -> dict[str, Any]:
    """Of one measure, better."""
    difference = {"value": 0.4, "low": 0.3, "high": 0.5, "images": 10, "verdict": "better"}
    return {
        "images": 10,
        "base": {"retrieval": {"r1": 0.2}},
        "tuned": {"retrieval": {"r1": 0.6}},
        "difference": {"retrieval": {"r1": difference}},
        "absent": {},
    }
