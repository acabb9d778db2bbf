"""Entailment by a stub, and by a tiny model with random weights."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_hub import COMMIT, Hub

from cim.errors import CimError
from cim.params.terms import EntailmentTerm
from cim.rewards.terms.base import CaptionBatch
from cim.rewards.terms.entailment import Entailment, open_term

REFERENCES = {"a": ["A dog runs.", "A black dog."], "b": ["A cat."]}


class Stub:
    """1 for a hypothesis that the premise holds, 0 for a part of it, -1 for "not"; nothing for "?". Counts pairs."""

    def __init__(self):
        self.asked = []

    def __call__(self, pairs):
        self.asked += pairs
        return [self._one(*pair) for pair in pairs]

    def _one(self, premise, hypothesis):
        if "?" in hypothesis:
            return None
        return -1.0 if "not" in hypothesis else float(hypothesis in premise)


def earned(captions, ids):
    return Entailment(Stub(), lambda name: REFERENCES.get(name, ()))(CaptionBatch(captions, ids, None))


def test_the_mean_over_sentences_and_references():
    # "A dog runs." holds in one of two references: 0.5. With "It is not." (-1 twice): (1 + 0 - 1 - 1) / 4.
    assert earned(["A dog runs.", "A dog runs. It is not.", "A cat."], ["a", "a", "b"]) == [0.5, -0.25, 1]


def test_what_failed_or_has_no_reference_has_no_value():
    assert earned(["A dog runs. What is it?", "A dog runs."], ["a", "a"]) == [None, 0.5]
    assert earned(["A dog runs."], ["else"]) == [None]


def test_a_pair_is_asked_once():
    stub = Stub()
    Entailment(stub, lambda name: REFERENCES[name])(CaptionBatch(["A dog runs."] * 3, ["a"] * 3, None))
    assert len(stub.asked) == 2


said = st.lists(
    st.tuples(st.sampled_from(["A dog runs.", "It is not. A dog.", "?"]), st.sampled_from("abc")), max_size=6
)


@given(said)
def test_range_and_order(said):
    captions, ids = [text for text, _ in said], [name for _, name in said]
    found = earned(captions, ids)
    assert earned(captions[::-1], ids[::-1]) == found[::-1]
    assert all(value is None or -1 <= value <= 1 for value in found)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A BERT of two dimensions a head whose class 2 is entailment and 0 contradiction."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder = tmp_path_factory.mktemp("nli")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "dog", "runs", "cat", "."]
    BertTokenizerFast(vocab={word: place for place, word in enumerate(words)}).save_pretrained(folder)
    labels = {0: "CONTRADICTION", 1: "NEUTRAL", 2: "ENTAILMENT"}
    config = BertConfig(
        vocab_size=len(words), hidden_size=4, num_hidden_layers=1, num_attention_heads=2, intermediate_size=4,
        max_position_embeddings=32, num_labels=3, id2label=labels, initializer_range=2.0,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_a_local_model_whatever_the_batches(model):
    from cim.rewards.terms.inference import LocalInference

    pairs = [("A dog runs.", "A dog."), ("A cat.", "A dog runs."), ("A dog.", "A cat.")]
    found = LocalInference(model, "cpu", 2)(pairs)
    assert LocalInference(model, "cpu", 3)(pairs) == pytest.approx(found, abs=1e-5)
    assert all(-1 <= value <= 1 for value in found)
    assert len(set(found)) == 3


def test_a_model_of_the_hub_comes_pinned_and_without_code(model, tmp_path, monkeypatch):
    """Twice opened, once asked for: safetensors and text alone; a revision that moves is refused with the params."""
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HOME", str(tmp_path))
    hub = Hub.of(model)
    hub.files |= {"modeling.py": b"raise SystemExit", "pytorch_model.bin": b"pickle"}
    hub.install(monkeypatch)
    params = EntailmentTerm.model_validate({"weight": 1, "model": {"name": "maker/model", "revision": COMMIT}})
    shared = SimpleNamespace(captions={"a": ("A dog runs.", "A cat.", "A dog.")})
    for _ in range(2):
        (found,) = open_term(params, shared)(CaptionBatch(["A dog."], ["a"], None))
    assert -1 <= found <= 1
    assert [sorted(files) for files in hub.asked] == [
        ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    ]
    assert params.files() == []
    with pytest.raises(ValueError, match="its revision must be a commit hash"):
        EntailmentTerm.model_validate({"weight": 1, "model": {"name": "maker/model", "revision": "main"}})


def test_a_folder_is_read_where_it_is_and_counts_as_a_file(model):
    params = EntailmentTerm.model_validate({"weight": 1, "model": {"name": str(model)}, "device": "cpu"})
    assert params.files() == [model]
    assert open_term(params, SimpleNamespace(captions={}))(CaptionBatch(["A dog."], ["a"], None)) == [None]


def test_a_name_that_is_nothing_is_refused():
    params = EntailmentTerm.model_validate({"weight": 1, "model": {"name": "nli"}})
    with pytest.raises(CimError, match=r"entailment.model.name 'nli': no such folder, and not a hub id"):
        open_term(params, SimpleNamespace(captions={}))


def test_a_model_of_other_labels_is_refused(model, tmp_path):
    import shutil

    from cim.rewards.terms.inference import LocalInference

    folder = shutil.copytree(model, tmp_path / "other")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"id2label": {"0": "good", "1": "bad", "2": "ugly"}}))
    with pytest.raises(CimError, match="with the labels good, bad, ugly"):
        LocalInference(folder, "cpu", 2)
