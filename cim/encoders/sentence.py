"""Captions to vectors by a sentence-transformers model."""

from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer
from transformers import PreTrainedModel

from cim.atomic import read_json
from cim.encoders.base import CPU_BATCH, Vectors, unit
from cim.models.device import autocast, pick_device
from cim.models.folder import check_folder
from cim.models.load import load_model, loading

UNUSED = ("pooler.*", "cls.*", "lm_head.*")
"""Weights that published text encoders come without, or with one too many: heads whose output nothing reads."""


class SentenceEncoder:
    """A sentence-transformers model in a local folder. Meets TextEncoder."""

    def __init__(self, folder: Path, fingerprint: str, device: str) -> None:
        self.fingerprint = fingerprint
        self._device = pick_device(device)
        self._model = open_sentence_transformer(folder, str(self._device))
        dim = self._model.get_embedding_dimension()
        assert dim is not None, folder
        self.dim: int = dim

    def encode_texts(self, texts: list[str]) -> Vectors:
        """(n, d) float32 unit vectors, NaN where there is none. On a GPU one forward pass: the caller bounds n."""
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        size = CPU_BATCH if self._device.type == "cpu" else len(texts)
        with autocast(self._device):
            vectors = self._model.encode(texts, batch_size=size, show_progress_bar=False, convert_to_numpy=True)
        return unit(vectors.astype(np.float32))


def open_sentence_transformer(folder: Path, device: str = "cpu") -> SentenceTransformer:
    """The model in `folder`. Raises CimError when it does not load, or when not all of its weights are there."""
    check_folder(folder)
    with loading(folder):
        model = SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    listed = read_json(folder / "modules.json") if (folder / "modules.json").is_file() else [{"name": "0", "path": ""}]
    for part in listed:
        inner = getattr(model.get_submodule(part["name"]), "model", None)
        if isinstance(inner, PreTrainedModel):  # the library leaves what lacks weights random and says nothing
            place = folder / part["path"]
            load_model(type(inner), place, unused=UNUSED, config=inner.config, device_map="meta")  # reads only names
    return model
