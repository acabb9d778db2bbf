"""How values and differences are written, and with it, how fine a difference can be."""

from typing import Literal

Unit = Literal["share", "score", "rank", "words", "count"]

MISSING = "\u2013"  # never 0
_TIMES: dict[Unit, int] = {"share": 100}
_DECIMALS: dict[Unit, int] = {
    "share": 1,
    "score": 3,
    "rank": 1,
    "words": 1,
    "count": 0,
}  # of rank and count in differences


def number(value: float | None, unit: Unit) -> str:
    """A value with its unit; shares as percentages; an en dash for None."""
    if value is None:
        return MISSING
    if unit in ("rank", "count"):
        return f"{value:g}"
    return f"{_TIMES.get(unit, 1) * value:.{_DECIMALS[unit]}f}" + ("%" if unit == "share" else "")


def change(value: float | None, unit: Unit) -> str:
    """A signed difference; of shares in percentage points, without the % sign; an en dash for None."""
    if value is None:
        return MISSING
    digits = _DECIMALS[unit]
    return f"{_rounded(value, unit):+.{digits}f}" if shows(value, unit) else f"{0:.{digits}f}"  # no "+0.0" nor "-0.0"


def shows(value: float, unit: Unit) -> bool:
    """Whether anything but 0 is left of a difference as `change` writes it."""
    return _rounded(value, unit) != 0


def _rounded(value: float, unit: Unit) -> float:
    return round(_TIMES.get(unit, 1) * value, _DECIMALS[unit])
