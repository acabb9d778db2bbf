import sys
from pathlib import Path

import pytest
import timm
import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from cim.errors import CimError
from cim.params import Trunk
from cim.trunks.weights import open_trunk

NAME = "test_efficientnet"


def trunk(weights: Path | str) -> Trunk:
    return Trunk(architecture=NAME, weights=str(weights), size=64)


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """What another training would have left: names and values, its classifier included."""
    return {name: tensor.clone() for name, tensor in timm.create_model(NAME).state_dict().items()}


def renamed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """As another library names the same layers: `_layer17.weight`."""
    return {f"_layer{number}.{name.rpartition('.')[2]}": one for number, (name, one) in enumerate(state.items())}


def read(given: dict[str, torch.Tensor], file: Path) -> dict[str, torch.Tensor]:
    """The trunk's tensors, of weights saved into `file`."""
    (save_file if file.suffix == ".safetensors" else torch.save)(given, file)
    model = open_trunk(trunk(file))
    assert not model.training
    return model.state_dict()


@pytest.mark.parametrize("name", ["timms.safetensors", "timms.pth", "other.pth"])
def test_a_file_fills_the_model(name: str, state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    own = read(renamed(state) if name == "other.pth" else state, tmp_path / name)
    assert own.keys() == {name for name in state if not name.startswith("classifier.")}
    assert all(torch.equal(tensor, state[name]) for name, tensor in own.items())


def test_other_layers_are_named(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    given = renamed(state)
    with pytest.raises(CimError, match=r"_layer999\.weight \(1,\) .* nothing"):
        read(given | {"_layer999.weight": torch.zeros(1)}, tmp_path / "more.pth")
    first, second, *others = given.items()
    with pytest.raises(CimError, match=r"_layer1\.weight \(.* conv_stem\.weight"):
        read(dict([second, first, *others]), tmp_path / "order.pth")


def test_safetensors_keep_no_order(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    with pytest.raises(CimError, match="other names of layers"):
        read(renamed(state), tmp_path / "other.safetensors")


def test_a_pickle_that_runs_code_does_not(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    torch.save({"weight": Bomb()}, tmp_path / "bomb.pth")
    with pytest.raises(CimError, match="does not load as weights"):
        open_trunk(trunk(tmp_path / "bomb.pth"))
    assert not (tmp_path / "ran").exists()


class TestPackages:
    @pytest.fixture
    def package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A package with code that must not run."""
        folder = tmp_path / "weights_in_a_package"
        (folder / "models").mkdir(parents=True)
        (folder / "__init__.py").write_text("raise SystemExit('imported')")
        monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
        return folder

    def test_its_one_file_is_taken(self, package: Path, state: dict[str, torch.Tensor]) -> None:
        torch.save(renamed(state), package / "models" / "net.pth")
        model = open_trunk(trunk("package:weights_in_a_package"))
        assert torch.equal(model.conv_stem.weight, state["conv_stem.weight"])
        torch.save(renamed(state), package / "models" / "other.pth")
        with pytest.raises(CimError, match=r"2 files of weights in .*net\.pth, other\.pth"):
            open_trunk(trunk("package:weights_in_a_package"))

    def test_it_must_be_installed(self) -> None:
        with pytest.raises(CimError, match="package:nothing_like_it, which is not installed"):
            open_trunk(trunk("package:nothing_like_it"))


def test_what_timm_does_not_know_or_take() -> None:
    with pytest.raises(CimError, match="a model that timm knows"):
        open_trunk(Trunk(architecture="no_net", weights="package:x"))
    with pytest.raises(CimError, match=r"size 64 .*expected 160"):
        open_trunk(Trunk(architecture="test_vit", weights="package:x", size=64))


def test_hub_ids_are_pinned() -> None:
    with pytest.raises(ValidationError, match="commit hash"):
        trunk("timm/tf_efficientnet_lite2.in1k")
