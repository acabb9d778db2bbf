"""What captions of real images retrieved, as a Markdown table, from a finished workspace.

python -m benchmarks.examples --params params.yaml --data data --write docs/reward.md
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from benchmarks.common.document import arguments, replace_between
from cim.layout import Layout
from cim.markdown import plain
from cim.params import load_params
from cim.records import IdentityScore
from cim.report.pictures import Splits
from cim.rewards.retriever import Retriever, Unscorable
from cim.score.show import printable
from cim.shards.read import read_manifest


def spoken(layout: Layout, count: int) -> Iterator[tuple[str, str, str]]:
    """(id, who, caption) of `count` images of the eval split, spread evenly over the ids: a person's, the models'.

    What both models say comes once, by "base and tuned".
    """
    rows = read_manifest(layout.shards("eval")).filter(pl.col("captions").list.len() > 0).sort("id")
    chosen = rows[[round(i * (len(rows) - 1) / max(1, count - 1)) for i in range(count)]]
    said = {name: _captions(layout.captions(name, "eval")) for name in ("base", "tuned")}
    for name, captions in chosen.select("id", "captions").iter_rows():
        yield name, "reference", captions[0]
        by = defaultdict(list)
        for who, some in said.items():
            if name in some:
                by[some[name]].append(who)
        yield from ((name, " and ".join(whos), caption) for caption, whos in by.items())


def markdown(
    spoken_of: list[tuple[str, str, str]], scores: list[IdentityScore | Unscorable], captions: dict[str, str]
) -> str:
    """A row a caption: its terms, and what it retrieved with the cosine of the pictures, best first."""
    lines = ["| image | by | caption | GRC | QIR | total | retrieved (image cosine) |", "|---|---|---|---|---|---|---|"]
    last = ""
    for (name, who, caption), score in zip(spoken_of, scores, strict=True):
        start = f"| {'' if name == last else f'`{name}`'} | {who} | {plain(printable(caption))} |"
        last = name
        if isinstance(score, Unscorable):
            lines.append(f"{start} | | unscorable | {score.reason} |")
            continue
        hits = zip(score.ids, score.cosines, strict=True)
        found = "<br>".join(
            f"{n}. {plain(printable(captions.get(hit, hit)))} ({c:.2f})" for n, (hit, c) in enumerate(hits, 1)
        )
        lines.append(f"{start} {score.grc:.3f} | {score.qir:.3f} | {score.total:.3f} | {found} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table, and write it where asked."""
    options = arguments(__doc__, 5, "photo-examples")
    layout, params = Layout(options.data), load_params(options.params)
    reward = params.tune.reward
    asked = list(spoken(layout, options.count))
    opened = Retriever.open(layout, reward, index=params.index)
    scores = opened.attempt([caption for *_, caption in asked], [name for name, *_ in asked])
    hits = {name for score in scores if isinstance(score, IdentityScore) for name in score.ids}
    note = f"Space {reward.space}, K = {reward.k}, excluded: {reward.exclude}. Retrieved images by their first caption."
    shown = f"{note}\n\n{markdown(asked, scores, Splits.indexed(layout).captions(hits))}"
    print(shown)
    if options.write:
        replace_between(options.write, options.name, shown)


def _captions(folder: Path) -> dict[str, str]:
    """By id, of one captioner; none where it has not captioned."""
    tables = [pl.read_parquet(path, columns=["id", "caption"]) for path in sorted(folder.glob("*.parquet"))]
    return dict(pl.concat(tables).iter_rows()) if tables else {}


if __name__ == "__main__":
    main()
