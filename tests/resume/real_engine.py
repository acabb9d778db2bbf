"""The chaos benchmark's work done by a real captioner."""

from pathlib import Path

import torch

from benchmarks.chaos import worker
from cim.captioners.decoding import Decoding
from cim.captioners.load import captioner_fingerprint
from cim.captions.lineage import Lineage
from cim.engines.open import open_engine
from cim.engines.spec import EngineSpec


def use_model(folder: Path) -> None:
    """Let benchmarks.chaos.worker.work caption with the model in `folder`, greedily, in batches of two."""
    torch.set_num_threads(1)
    fingerprint = captioner_fingerprint(folder)
    spec = EngineSpec(folder, fingerprint, "Say.", Decoding(4), device="cpu", precision="float32", batch_size=2)
    engine = open_engine(spec)
    worker.opened = lambda: engine
    worker.LINEAGE = Lineage(fingerprint, "Say.", Decoding(4), "float32")
