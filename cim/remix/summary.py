"""What came of a mix: what was given and what was asked for, what was passed over and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from cim.captions.summary import counted, tallied
from cim.errors import CimError
from cim.params.texts import Mix
from cim.provenance import added_up, licenses_text


def summarize_mix(mix: Mix, facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts over all shards. parts: by label the share asked for, how often it was drawn first and given.

    passed: how often a part that was drawn had no text (missing), or none within the budget; another was given then.
    """
    total: dict[str, Any] = {"shards": len(facts)}
    for name in ("images", "captions", "rejects", "cut"):
        total[name] = sum(one[name] for one in facts)
    total["tokens"] = max((one["tokens"] for one in facts), default=0)
    total["reject_reasons"] = dict(sorted(tallied(facts, "reject_reasons").items()))
    given, drawn, passed = tallied(facts, "parts"), tallied(facts, "drawn"), Counter[str]()
    for one in facts:
        for label, lack, count in one["passed"]:
            passed[f"{label} {lack}"] += count
    total["parts"] = {
        part.label: {"share": part.share, "drawn": drawn[part.label], "given": given[part.label]} for part in mix.txt
    }
    total["provenance"] = added_up(one["provenance"] for one in facts)
    total["passed"] = dict(sorted(passed.items()))
    return total


def mix_lines(summary: Mapping[str, Any]) -> str:
    """The summary for a terminal."""
    written = max(summary["captions"], 1)
    lines = [f"images: {summary['images']:,} in {summary['shards']:,} shards", f"texts: {summary['captions']:,}"]
    lines += [
        f"  {label}: {one['given']:,} ({one['given'] / written:.1%}, asked for {one['share']:.1%})"
        for label, one in summary["parts"].items()
    ]
    longest = f"; longest: {summary['tokens']} tokens" if summary["tokens"] else ""
    lines.append(f"licences: {licenses_text(summary['provenance'])}")
    lines.append(f"cut behind a sentence: {summary['cut']:,}{longest}")
    if summary["passed"]:
        lines.append(f"drawn, but another given: {counted(summary['passed'])}")
    reasons = f" ({counted(summary['reject_reasons'])})" if summary["rejects"] else ""
    return "\n".join([*lines, f"rejects: {summary['rejects']:,}{reasons}"])


def check_mix_rejects(summary: Mapping[str, Any], most: float, where: str) -> None:
    """Raise CimError when no image got a text, or more than the share `most` went without."""
    images, without = summary["images"], summary["rejects"]
    if not summary["captions"] or without > most * images:
        raise CimError(
            f"{without} of {images} images without a text ({counted(summary['reject_reasons'])})",
            f"at most {most:.1%}; the others are written",
            f"read {where}, add a part to texts.txt that they have, or raise remix.max_reject_share",
        )
