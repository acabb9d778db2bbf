"""What came of a run, read from its files: counts, lengths, why captions ended, why there are none."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cim.captions.texts import text_statistics
from cim.captions.write import captions_path
from cim.errors import CimError
from cim.images.checks import Reason
from cim.provenance import added_up

SHOWN = 60  # characters of a caption that a message shows


def summarize(folder: Path, facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Counts over the shards `facts` (stem -> facts of its done marker), and what their tables in `folder` tell.

    cut_short: shards whose tar is broken. lengths, repeated: see `text_statistics`. provenance: whose the
    images of the tars are, see `ProvenanceCounts`. No times: the same work, the
    same summary.
    """
    total: dict[str, Any] = {"shards": len(facts)}
    for name in ("images", "captions", "rejects", "tokens", "tokens_in"):
        total[name] = sum(one[name] for one in facts.values())
    for name in ("finish_reasons", "reject_reasons"):
        total[name] = dict(sorted(tallied(facts.values(), name).items()))
    if told := [one["provenance"] for one in facts.values() if "provenance" in one]:  # where tars were written
        total["provenance"] = added_up(told)
    total["cut_short"] = sum(Reason.BROKEN_TAR in one["reject_reasons"] for one in facts.values())
    return total | text_statistics([captions_path(folder, stem) for stem in facts])


def tallied(facts: Iterable[Mapping[str, Any]], name: str) -> Counter[str]:
    """The counts of that name of all shards, added up."""
    return sum((Counter(one[name]) for one in facts), Counter[str]())


def check_rejects(summary: Mapping[str, Any], most: float, name: str, rejects: Path) -> None:
    """Raise CimError when no image got a caption, or more than the share `most` went without. name: of the images."""
    images, without = summary["images"], summary["rejects"]
    reasons = counted(summary["reject_reasons"])
    if not summary["captions"]:
        raise CimError(
            f"no caption for any of {images} images of {name}" + (f" ({reasons})" if reasons else ""),
            "at least one image that the captioner takes",
            f"read the reasons in {rejects}",
        )
    if without > most * images:
        raise CimError(
            f"{without} of {images} images of {name} without a caption ({reasons})",
            f"at most {most:.1%}; the others are written",
            f"read {rejects}, mend the images, or raise caption.max_reject_share",
        )


def counted(reasons: Mapping[str, int]) -> str:
    """Reasons with their counts, the commonest first, those as common by name."""
    ordered = sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{reason}: {count:,}" for reason, count in ordered)


def repeated_warning(summary: Mapping[str, Any], most: float) -> str | None:
    """What to say where more than the share `most` of the captions is word for word another image's; None elsewhere."""
    found = summary["repeated"]
    if found["share"] <= most:
        return None
    return (
        f"{found['captions']:,} of {summary['captions']:,} captions ({found['share']:.2%}) repeat another image's word"
        f" for word, more than recaption.max_repeated_share ({most:.2%}); most often {named_captions(found['most'])}:"
        " look at these images, they may be blank, or all of one kind"
    )


def named_captions(most: Sequence[Mapping[str, Any]], named: int = 3) -> str:
    """The first captions with their counts, each shortened to one line: `4,000 times "a white wall"`."""
    return ", ".join(f"{one['count']:,} times {_short(one['caption'])}" for one in most[:named])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return json.dumps(line if len(line) <= SHOWN else f"{line[: SHOWN - 3]}...", ensure_ascii=False)
