"""A timm model that never changes, and whose outputs are computed once a picture."""

import hashlib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import timm
import torch
from torch import nn

from cim.errors import CimError
from cim.fingerprint import fingerprint
from cim.trunks.pixels import Levels, keys_of
from cim.trunks.store import OutputStore

Precision = Literal["float32", "bfloat16"]
# Half the bytes. float16 keeps 11 bits of what float32 computed, bfloat16 all 8 that it has.
KEPT = {"float32": torch.float16, "bfloat16": torch.bfloat16}


def precision_here(wanted: Literal["float32", "bfloat16", "auto"], device: str = "cpu") -> Precision:
    """`wanted`; for auto what is fast here: bfloat16 with AMX, which takes two thirds of float32's time, or on a GPU
    that has it. Without AMX it saves a tenth, and costs exactness."""
    if wanted != "auto":
        return wanted
    if device.startswith("cuda"):
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = bool(torch.cpu.get_capabilities().get("amx_bf16"))
    return "bfloat16" if fast else "float32"


def freeze(trunk: Any, precision: Precision, outputs: Path | None = None) -> Any:
    """Make `trunk`, a timm model without classifier and with its final weights, a `FrozenTrunk`, in place.

    outputs: the folder in which trunks' outputs are kept, a folder inside it for each; None: they are not kept, and
    are the same. Whatever holds the trunk, an open_clip model or a captioner of transformers, goes on as before.
    """
    if not isinstance(trunk, FrozenTrunk):  # a class of its own: names of weights, saving and loading stay timm's
        trunk.__class__ = type(f"Frozen{type(trunk).__name__}", (FrozenTrunk, type(trunk)), {})
    trunk.requires_grad_(False)
    trunk.eval()
    trunk.fix(precision, outputs)
    return trunk


class FrozenTrunk(nn.Module):
    """What `freeze` adds to a timm model: it stays in eval mode, and no gradient goes into it.

    On a CPU each picture is computed alone, so that its numbers do not depend on its batch, and rounded as it is
    kept: with or without kept outputs, new or found, they are equal bit for bit. (With another number of threads torch
    adds in another order: two numbers in a thousand differ in their last bit. Where outputs are kept, the first
    ones stay.)
    """

    precision: Precision
    trunk_fingerprint: str

    def fix(self, precision: Precision, outputs: Path | None) -> None:
        """Set how it computes and where outputs are kept, and take its weights' hash. `freeze` calls it."""
        found: dict[str, Any] = self.pretrained_cfg  # type: ignore[assignment]
        self.precision = precision
        self._levels = Levels(tuple(found["mean"]), tuple(found["std"]))
        self._dtype = next(self.parameters()).dtype
        versions = [torch.__version__, timm.__version__]
        self.trunk_fingerprint = fingerprint("trunk", _weights_hash(self.state_dict().items()), precision, versions)
        self._folder = outputs / self.trunk_fingerprint if outputs is not None else None
        self._stores: dict[tuple[int, ...], tuple[OutputStore, tuple[int, ...]]] = {}

    def train(self, mode: bool = True) -> "FrozenTrunk":
        """Eval mode whatever is asked: batch norm would move its statistics, and drop out would make noise."""
        return super().train(False)

    def forward_features(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """timm's (n, ...) output before pooling, in the dtype of the weights, of (n, 3, h, w) normalised pixels."""
        parameter = next(self.parameters())
        if parameter.dtype != self._dtype:
            raise CimError(
                f"a frozen trunk cast from {self._dtype} to {parameter.dtype}",
                "weights that stay as they were frozen; `precision` says what it computes in",
                "cast the model before `freeze`",
            )
        with torch.no_grad():
            levels = self._levels.of(pixel_values)
            kept = self._computed(levels) if self._folder is None else self._kept(levels)
            return kept.to(parameter.device, parameter.dtype)

    def _kept(self, levels: torch.Tensor) -> torch.Tensor:
        """Outputs of `levels`, found or else computed and kept."""
        store, shape = self._store(levels.shape[1:])
        keys = keys_of(levels)
        found = store.get(keys)
        if missing := {key: number for number, key in enumerate(keys) if key not in found}:
            computed = self._computed(levels[list(missing.values())])
            new = {key: _bytes(one) for key, one in zip(missing, computed, strict=True)}
            store.put(new)
            found |= new
        content = bytearray(b"".join(found[key] for key in keys))
        if not content:
            return torch.empty((0, *shape), dtype=KEPT[self.precision])
        return torch.frombuffer(content, dtype=KEPT[self.precision]).view(-1, *shape)

    def _computed(self, levels: torch.Tensor) -> torch.Tensor:
        """Outputs as they are kept, on the CPU."""
        device = next(self.parameters()).device
        groups = levels.split(1) if device.type == "cpu" and len(levels) else [levels]
        outputs = [self._run(self._levels.normalised(one).to(device, self._dtype)).cpu() for one in groups]
        kept = torch.cat(outputs).to(KEPT[self.precision])
        if not torch.isfinite(kept).all():
            raise CimError(
                f"outputs of {type(self).__name__} that {KEPT[self.precision]} can't hold",
                "finite numbers",
                "set the trunk's precision to bfloat16, whose range is float32's",
            )
        return kept

    def _run(self, pixel_values: torch.Tensor) -> torch.Tensor:
        bfloat16 = self.precision == "bfloat16"
        with torch.autocast(pixel_values.device.type, dtype=torch.bfloat16, enabled=bfloat16):
            features: torch.Tensor = super().forward_features(pixel_values)  # type: ignore[misc]
        return features

    def _store(self, picture: torch.Size) -> tuple[OutputStore, tuple[int, ...]]:
        """The kept outputs of pictures of this shape, and the shape of one."""
        assert self._folder is not None
        if picture not in self._stores:
            shape = tuple(self._computed(torch.zeros(1, *picture, dtype=torch.uint8)).shape[1:])
            folder = self._folder / "x".join(map(str, picture[1:]))
            self._stores[picture] = OutputStore(folder, math.prod(shape) * KEPT[self.precision].itemsize), shape
        return self._stores[picture]


def _weights_hash(named: Iterable[tuple[str, torch.Tensor]]) -> str:
    digest = hashlib.sha256()
    for name, tensor in named:
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\x00".encode() + _bytes(tensor.cpu()))
    return digest.hexdigest()


def _bytes(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
