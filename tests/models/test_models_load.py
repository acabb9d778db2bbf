"""Loading: only weights that are a model's own, by name, and nothing that could run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, BertConfig, BertModel

from cim.errors import CimError
from cim.models.folder import folder_fingerprint
from cim.models.load import load_model

Weights = dict[str, torch.Tensor]
# A bias of 4 numbers, where the model has 8.
SHORT = {"encoder.layer.0.output.dense.bias": torch.zeros(4)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A BERT of one layer, 8 wide."""
    sizes = {
        "vocab_size": 4,
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "intermediate_size": 4,
    }
    BertModel(BertConfig(**sizes)).save_pretrained(tmp_path)
    return tmp_path


def rewritten(folder: Path, change: Callable[[Weights], object]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_whole_model_loads_to_evaluate(folder: Path) -> None:
    assert not load_model(AutoModel, folder).training


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("pooler.dense.bias"), r"1 parameters without weights, pooler\.dense\.bias"),
        (lambda w: w.update({"head.bias": torch.zeros(1)}), r"1 parameters that the model does not have, head\.bias"),
        (lambda w: w.update(SHORT), r"1 parameters of another size, encoder\.layer\.0\.output\.dense\.bias"),
    ],
    ids=["missing", "unexpected", "mismatched"],
)
def test_weights_that_are_not_the_models_are_named(
    folder: Path, change: Callable[[Weights], object], message: str
) -> None:
    rewritten(folder, change)
    with pytest.raises(CimError, match=message):
        load_model(AutoModel, folder)


def test_what_nothing_reads_may_be_missing(folder: Path) -> None:
    rewritten(folder, lambda w: w.pop("pooler.dense.bias"))
    load_model(AutoModel, folder, unused=["pooler.*"])


def test_pickles_are_not_opened(folder: Path) -> None:
    weights = folder / "model.safetensors"
    torch.save(load_file(weights), folder / "pytorch_model.bin")
    weights.rename(folder / "other.safetensors")
    with pytest.raises(CimError, match="does not load"):
        load_model(AutoModel, folder)
    (folder / "other.safetensors").unlink()
    with pytest.raises(CimError, match=r"no \.safetensors"):
        load_model(AutoModel, folder)


def test_code_of_the_folder_runs_only_where_it_is_trusted(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "theirs", "auto_map": {"AutoConfig": "theirs.Config", "AutoModel": "theirs.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "theirs.py").write_text(f"open({str(folder / 'ran')!r}, 'w').close()\n")
    with pytest.raises(CimError, match="only with trust_remote_code"):
        load_model(AutoModel, folder)
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "spiece.model", "modeling.py"])
def test_the_fingerprint_follows_what_counts(folder: Path, name: str) -> None:
    before = folder_fingerprint(folder)
    with (folder / name).open("ab") as file:
        file.write(b" ")
    assert folder_fingerprint(folder) != before


@pytest.mark.parametrize("name", ["cim.json", "README.md", "training_args.bin", ".gitattributes", ".cache/x.json"])
def test_the_fingerprint_ignores_lineage_and_leftovers(folder: Path, name: str) -> None:
    before = folder_fingerprint(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("{}")
    assert folder_fingerprint(folder) == before


def test_the_fingerprint_by_hand(tmp_path: Path) -> None:
    """Markers of earlier runs hold it: sha256 of name, NUL, sha256 of the content, NUL.

    printf 'a.json\\0%s\\0' $(printf '{}' | sha256sum | cut -d' ' -f1) | sha256sum
    """
    (tmp_path / "a.json").write_text("{}")
    assert folder_fingerprint(tmp_path) == "e6d0f00a97f095f8"
