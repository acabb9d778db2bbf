"""Images to vectors: a shard through `embed_shards`, as the embed stage does it, with ViT-H-14's shape."""

from typing import Any

from benchmarks.common.timing import seconds
from benchmarks.gpu.bench import Bench
from benchmarks.gpu.device import peak_mib
from benchmarks.gpu.models import VIT_H, clip_folder
from benchmarks.gpu.pictures import shard
from cim.errors import CimError

BATCH = 256
"""Images a forward pass: `embed.batch_size`."""
AHEAD = 8
"""Threads that decode and resize: `runtime.prefetch`."""


def measure(bench: Bench) -> None:
    """A row for the shard; one for its encoder alone, which the GPU could reach if nothing held it up."""
    from cim.embeddings.plan import EmbedJob
    from cim.embeddings.share import Feed, Share, embed_shards
    from cim.encoders.load import load_image_tower

    try:
        folder = clip_folder(bench)
    except CimError as error:
        return bench.skip(VIT_H, error)
    tar, sizes, feed = shard(bench.scratch, bench.sizes), bench.sizes, Feed(BATCH, AHEAD)
    encoder: Any = load_image_tower(folder, bench.device)
    first, second = (
        EmbedJob("image", tar, name, bench.scratch / "embeddings" / name, folder, encoder.fingerprint)
        for name in ("first", "second")
    )
    embed_shards([first], encoder, feed)  # loads kernels
    shares: list[Share] = []
    with peak_mib(bench.device) as most:
        wall = seconds(lambda: shares.append(embed_shards([second], encoder, feed)))
    (share,) = shares
    bench.row(
        f"{VIT_H}, image tower: embed_shards", images=sizes.photos, images_per_s=sizes.photos / wall, peak_MiB=most[0],
        encoding_s=share.encoding, the_rest_s=wall - share.encoding,
    )  # fmt: skip
    alone = sizes.photos / share.encoding
    bench.row(f"{VIT_H}, image tower: its encoder alone", images=sizes.photos, images_per_s=alone)
