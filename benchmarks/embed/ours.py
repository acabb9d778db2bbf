"""One run of the embed task over folder/shards, as benchmarks.embed starts it: FOLDER PREFETCH IN BATCH THREADS."""

import json
import shutil
import sys
import time
from pathlib import Path


def main() -> None:
    """Plan (which hashes the shards), load, embed, write; prints JSON as baseline.py does."""
    folder, (prefetch, inside, batch, threads) = Path(sys.argv[1]), sys.argv[2:]
    from cim.embeddings.plan import JobGroup, plan_embeddings
    from cim.layout import Layout
    from cim.params import Runtime
    from tasks.embed import embed_task

    shutil.rmtree(folder / "embeddings", ignore_errors=True)
    execution = Runtime(device="cpu", torch_threads=int(threads), prefetch=int(prefetch), prefetch_in=inside)  # type: ignore[arg-type]
    import cim.encoders.clip  # noqa: F401  # libraries are not counted on either side

    began = time.perf_counter()
    ((_, jobs),) = plan_embeddings(Layout(folder), {"image": ["gallery"]}, 2).items()
    share = embed_task.fn(JobGroup(tuple(jobs)), int(batch), execution)
    seconds = time.perf_counter() - began
    images = sum((job.done() or {"vectors": 0})["vectors"] for job in jobs)
    print(json.dumps({"images": images, "seconds": seconds, "batches": share.seconds, "waited": share.waited}))


if __name__ == "__main__":
    main()
