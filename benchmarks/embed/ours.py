"""One run of the embed task over folder/shards, as benchmarks.embed starts it: FOLDER PREFETCH IN BATCH THREADS."""

import json
import os
import shutil
import sys
import time
from pathlib import Path


def main() -> None:
    """Plan (which hashes the shards), load, embed, write; prints JSON as baseline.py does."""
    folder, (prefetch, inside, batch, threads) = Path(sys.argv[1]), sys.argv[2:]
    import tasks.embed
    from cim.embeddings.plan import JobGroup, plan_embeddings
    from cim.layout import Layout
    from cim.params import Runtime

    shutil.rmtree(folder / "embeddings", ignore_errors=True)
    execution = Runtime(device="cpu", torch_threads=int(threads), prefetch=int(prefetch), prefetch_in=inside)  # type: ignore[arg-type]
    import cim.encoders.clip  # noqa: F401  # libraries are not counted on either side

    began, before = time.perf_counter(), sum(os.times()[:4])
    ((_, jobs),) = plan_embeddings(Layout(folder), {"image": ["gallery"]}, 2).items()
    tasks.embed._loaded("image", jobs[0].model, jobs[0].encoder, execution)  # kept, and used at once below
    loaded = time.perf_counter()
    tasks.embed.embed_task.fn(JobGroup(tuple(jobs)), int(batch), execution)
    ended = time.perf_counter()
    tasks.embed._loaded.cache_clear()  # ends its processes: only then their time is known
    cpu = sum(os.times()[:4]) - before
    images = sum((job.done() or {"vectors": 0})["vectors"] for job in jobs)
    print(json.dumps({"images": images, "seconds": ended - began, "batches": ended - loaded, "cpu": cpu}))


if __name__ == "__main__":
    main()
