"""Build one part of data/index."""

from prefect import task

from cim.index.build import build_items, build_space
from cim.index.depth import searched
from cim.index.meta import IndexMeta
from cim.layout import Layout
from cim.params import Index, Reward


@task(name="index")
def index_part(part: str, layout: Layout, params: Index, reward: Reward) -> IndexMeta:
    """`items`, or a retrieval space (caption_text, clip), which needs items. Skipped when done."""
    if part == "items":
        return build_items(layout, list(params.splits), reward.k)
    return build_space(layout, part, params, reward.k, searched(reward.space, reward.k))
