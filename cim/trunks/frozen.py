"""A timm model that never changes, and whose outputs are computed once a picture."""

import hashlib
import math
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

import timm
import torch
from torch import nn

from cim.errors import CimError
from cim.fingerprint import fingerprint
from cim.trunks.folded import fold
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

    On a CPU each picture is computed alone and on one thread, as many at once as torch has threads, so that its numbers
    depend neither on its batch nor on their number, and rounded as it is kept: with or without kept outputs, new or
    found, they are equal bit for bit. Batch norm is folded into the convolutions there (`fold`).
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
        weights = _weights_hash(self.state_dict().items())
        self.trunk_fingerprint = fingerprint("trunk, folded", weights, precision, versions)
        self._folder = outputs / self.trunk_fingerprint if outputs is not None else None
        self._stores: dict[tuple[int, ...], tuple[OutputStore, tuple[int, ...]]] = {}
        # The folded copy, empty where there is none, None before it was tried; a list is no part of the model to torch.
        self._on_cpu: list[Any] | None = None

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
        if device.type == "cpu" and len(levels):
            if self._on_cpu is None:
                self._fold(levels.shape[1:])
            with _threads_of_one() as threads, ThreadPoolExecutor(min(threads, len(levels))) as pool:
                outputs = list(pool.map(self._output, levels.split(1)))
        else:
            outputs = [self._output(levels)]
        kept = torch.cat(outputs).to(KEPT[self.precision])
        if not torch.isfinite(kept).all():
            raise CimError(
                f"outputs of {type(self).__name__} that {KEPT[self.precision]} can't hold",
                "finite numbers",
                "set the trunk's precision to bfloat16, whose range is float32's",
            )
        return kept

    def _output(self, levels: torch.Tensor) -> torch.Tensor:
        """Of (n, 3, h, w) levels, on the CPU. Gradients and autocast are a thread's own."""
        device, bfloat16 = next(self.parameters()).device, self.precision == "bfloat16"
        with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16):
            return self._run(self._levels.normalised(levels).to(device, self._dtype)).cpu()

    def _run(self, pixel_values: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor
        if pixel_values.device.type == "cpu" and self._on_cpu:
            features = self._on_cpu[0].forward_features(pixel_values.contiguous(memory_format=torch.channels_last))
        else:
            features = super().forward_features(pixel_values)  # type: ignore[misc]
        return features

    def _fold(self, picture: torch.Size) -> None:
        """Make the copy that a CPU computes with, where something can be folded. Tried on noise of this shape."""
        copy = deepcopy(self, {id(self._stores): {}})
        copy.__class__ = type(self).__bases__[1]
        noise = torch.randint(0, 256, (1, *picture), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
        self._on_cpu = [copy] if fold(copy, self._levels.normalised(noise).to(self._dtype)) else []

    def _store(self, picture: torch.Size) -> tuple[OutputStore, tuple[int, ...]]:
        """The kept outputs of pictures of this shape, and the shape of one."""
        assert self._folder is not None
        if picture not in self._stores:
            shape = tuple(self._computed(torch.zeros(1, *picture, dtype=torch.uint8)).shape[1:])
            folder = self._folder / "x".join(map(str, picture[1:]))
            self._stores[picture] = OutputStore(folder, math.prod(shape) * KEPT[self.precision].itemsize), shape
        return self._stores[picture]


@contextmanager
def _threads_of_one() -> Iterator[int]:
    """Threads that begin inside compute alone, in MKL as well. Yields how many the calling thread has otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def _weights_hash(named: Iterable[tuple[str, torch.Tensor]]) -> str:
    digest = hashlib.sha256()
    for name, tensor in named:
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\x00".encode() + _bytes(tensor.cpu()))
    return digest.hexdigest()


def _bytes(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
