"""Images to vectors: a shard through `embed_shard`, as the embed stage does it, with ViT-H-14's shape."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from benchmarks.common.clock import Clock
from benchmarks.common.timing import seconds
from benchmarks.gpu.bench import Bench
from benchmarks.gpu.device import peak_mib, settle
from benchmarks.gpu.models import VIT_H, clip_folder
from benchmarks.gpu.pictures import shard
from cim.errors import CimError

BATCH = 256
"""Images a forward pass: `embed.batch_size`."""


def measure(bench: Bench) -> None:
    """A row for the shard; one for its forward passes alone, which the GPU could reach if nothing held it up."""
    from cim.embeddings import write
    from cim.embeddings.plan import EmbedJob
    from cim.encoders.load import load_image_tower

    try:
        folder = clip_folder(bench)
    except CimError as error:
        return bench.skip(VIT_H, error)
    tar, sizes = shard(bench.scratch, bench.sizes), bench.sizes
    encoder: Any = load_image_tower(folder, bench.device)
    job = EmbedJob("image", tar, "drawn", bench.scratch / "embeddings", folder, encoder.fingerprint)
    write.embed_shard(job, encoder, BATCH)  # the first pass loads kernels
    clock = Clock(lambda: settle(bench.device))
    with peak_mib(bench.device) as most, _timed(encoder, clock):
        wall = seconds(lambda: write.embed_shard(job, encoder, BATCH))
    parts = clock.seconds
    bench.row(
        f"{VIT_H}, image tower: embed_shard", images=sizes.photos, images_per_s=sizes.photos / wall, peak_MiB=most[0],
        decode_s=parts["decode"], prepare_s=parts["prepare"], forward_s=parts["forward"],
        the_rest_s=wall - sum(parts.values()),
    )  # fmt: skip
    forward = sizes.photos / parts["forward"]
    bench.row(f"{VIT_H}, image tower: its forward passes alone", images=sizes.photos, images_per_s=forward)


@contextmanager
def _timed(encoder: Any, clock: Clock) -> Iterator[None]:
    from cim.embeddings import write

    with (
        patch.object(write, "decode_rgb", clock.timed("decode", write.decode_rgb)),
        patch.object(encoder, "_prepare", clock.timed("prepare", encoder._prepare)),
        patch.object(encoder, "_run", clock.timed("forward", encoder._run)),
    ):
        yield
