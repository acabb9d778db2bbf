"""What came of a refinement: how many texts changed, what became of the others, what could not be used."""

from collections.abc import Mapping, Sequence
from typing import Any

from cim.captions.summary import counted, tallied
from cim.errors import CimError
from cim.provenance import added_up, licenses_text
from cim.refine.base import FAILED


def summarize_refined(facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts over all shards. images = captions + rejects; captions: those changed and those kept as they were."""
    total: dict[str, Any] = {"shards": len(facts)}
    for name in ("images", "captions", "rejects", "changed", "tokens", "tokens_in"):
        total[name] = sum(one[name] for one in facts)
    for name in ("outcomes", "reject_reasons"):
        total[name] = dict(sorted(tallied(facts, name).items()))
    total["failed"] = sum(count for outcome, count in total["outcomes"].items() if outcome.startswith(FAILED))
    total["provenance"] = added_up(one["provenance"] for one in facts)
    return total


def refined_lines(summary: Mapping[str, Any]) -> str:
    """The summary for a terminal."""
    written = max(summary["captions"], 1)
    lines = [
        f"images: {summary['images']:,} in {summary['shards']:,} shards",
        f"captions: {summary['captions']:,}, of them changed: {summary['changed']:,}",
        *(f"  {name}: {count:,} ({count / written:.1%})" for name, count in summary["outcomes"].items()),
        f"tokens: {summary['tokens']:,} written, {summary['tokens_in']:,} read",
        f"licences: {licenses_text(summary['provenance'])}",
    ]
    reasons = f" ({counted(summary['reject_reasons'])})" if summary["rejects"] else ""
    return "\n".join([*lines, f"rejects: {summary['rejects']:,}{reasons}"])


def check_refined(summary: Mapping[str, Any], failed: float, rejected: float, where: str) -> None:
    """Raise CimError where more than the share `failed` of the answers could not be used, or more than `rejected` of
    the images had no text."""
    images, without, bad = summary["images"], summary["rejects"], summary["failed"]
    if not summary["captions"] or without > rejected * images:
        raise CimError(
            f"{without} of {images} images without a text ({counted(summary['reject_reasons'])})",
            f"at most {rejected:.1%}; the others are written",
            f"read {where}/rejects, or raise refine.max_reject_share",
        )
    if bad > failed * summary["captions"]:
        reasons = {name: count for name, count in summary["outcomes"].items() if name.startswith(FAILED)}
        raise CimError(
            f"{bad} of {summary['captions']} answers that could not be used ({counted(reasons)})",
            f"at most {failed:.1%}; all is written, these with the text they had",
            "look at some in the tables (column outcome); mend the template, the model or refine.by.form, or raise"
            " refine.max_failed_share",
        )
