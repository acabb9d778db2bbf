"""clip-retrieval's own inference over shards, run by a Python that has it and nothing of this project.

PYTHON baseline.py MODEL_FOLDER OUTPUT BATCH WORKERS THREADS TAR...

The model folder is one of this project: its configuration is given to open_clip by name and its weights by path, which
clip-retrieval and all_clip take as they are; nothing of them is replaced. Prints JSON: images, seconds of the whole
call, of its processors, and of its batches (clip-retrieval's own statistics).
"""

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Load, embed, count."""
    folder, output, (batch, workers, threads), tars = Path(sys.argv[1]), sys.argv[2], sys.argv[3:6], sys.argv[6:]
    import numpy as np
    import open_clip
    import torch
    from clip_retrieval.clip_inference.worker import worker

    torch.set_num_threads(int(threads))
    config = json.loads((folder / "open_clip_config.json").read_text())
    named = Path(output) / "cim-benchmark.json"
    named.parent.mkdir(parents=True, exist_ok=True)
    named.write_text(json.dumps(config["model_cfg"]))
    open_clip.add_model_config(named)
    began, before = time.perf_counter(), sum(os.times()[:4])
    worker(
        tasks=[0],
        input_dataset=list(tars),
        output_folder=output,
        output_partition_count=1,
        input_format="webdataset",
        batch_size=int(batch),
        num_prepro_workers=int(workers),
        enable_text=False,
        clip_model=f"open_clip:{named.stem}/{(folder / 'open_clip_model.safetensors').resolve()}",
        use_jit=False,
    )
    seconds, cpu = time.perf_counter() - began, sum(os.times()[:4]) - before
    (stats,) = (json.loads(path.read_text()) for path in (Path(output) / "stats").glob("0.json"))
    vectors = np.load(Path(output) / "img_emb/img_emb_0.npy")
    print(json.dumps({"images": len(vectors), "seconds": seconds, "batches": stats["total_duration"], "cpu": cpu}))


if __name__ == "__main__":
    main()
