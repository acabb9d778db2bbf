"""FactualSceneGraph's T5: its output read, its sentences and nouns, and its folder."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_hub import COMMIT, Hub

from cim.errors import CimError
from cim.graphs.facts import read_facts
from cim.graphs.factual import PROMPT, FactualParser, load_writer
from cim.graphs.graph import GraphBuilder, TextGraph
from cim.graphs.open import open_parser
from cim.graphs.wordnet import load_wordnet
from cim.params.models import Loaded


def read(text: str) -> TextGraph:
    builder = GraphBuilder()
    read_facts(text, builder, load_wordnet())
    return builder.graph()


class TestReading:
    def test_relation_attribute_and_number(self) -> None:
        assert read("( dogs , sit on , Sofa ) , ( dogs , is , brown ) , ( dogs , is , 2 )") == TextGraph(
            ("dog", "sofa"), {"dog": ("brown",)}, (("dog", "sit on", "sofa"),), {"dog": 2}
        )

    def test_without_spaces(self) -> None:
        assert read("(dog,on,sofa),(dog,is,brown)").relations == (("dog", "on", "sofa"),)

    def test_cut_off_facts_are_left_out(self) -> None:
        assert read("( dog , on , sofa ) , ( dog , is").attributes == {}
        assert read("( dog , on").objects == ("dog",)  # all there is: the object at least

    @pytest.mark.parametrize(("text", "objects"), [("( dogs )", ("dog",)), ("dogs", ("dog",)), ("( )", ()), ("", ())])
    def test_an_object_alone(self, text: str, objects: tuple[str, ...]) -> None:
        assert read(text).objects == objects

    def test_malformed_facts_among_others_are_left_out(self) -> None:
        assert read("( dog , on , sofa ) , ( cat ) , ( a , b , c , d ) , ( , on , )").objects == ("dog", "sofa")

    def test_attributes_with_of_are_left_out(self) -> None:
        assert read("( table , is , made of wood )") == TextGraph(("table",))

    @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(st.text(alphabet="ab(), is", max_size=60))
    def test_anything_is_read(self, text: str) -> None:
        read(text)


class TestParser:
    def test_sentence_by_sentence_and_only_nouns_of_the_caption(self) -> None:
        asked: list[str] = []

        def write(prompts: list[str]) -> list[str]:
            asked.extend(prompts)
            return ["( dog , on , sofa ) , ( dog , is , brown )", "( cat , on , wall )", "( tree , is , tall )"]

        first, second, third = FactualParser(write).parse(["A brown dog on sofas. A cat sleeps.", "", "A tall tree."])
        assert asked == [f"{PROMPT}{text}" for text in ("A brown dog on sofas.", "A cat sleeps.", "A tall tree.")]
        # "wall" is nowhere in the caption: it goes, with the relation to it.
        assert first == TextGraph(("cat", "dog", "sofa"), {"dog": ("brown",)}, (("dog", "on", "sofa"),))
        assert second == TextGraph()
        assert third.attributes == {"tree": ("tall",)}


class TestFolder:
    def test_pickles_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "pytorch_model.bin").write_bytes(b"not read")
        with pytest.raises(CimError, match=r"no \.safetensors"):
            load_writer(tmp_path, "cpu")

    def test_a_broken_folder(self, tmp_path: Path) -> None:
        (tmp_path / "model.safetensors").write_bytes(b"nothing")
        with pytest.raises(CimError, match="does not load"):
            load_writer(tmp_path, "cpu")

    def test_no_folder(self) -> None:
        with pytest.raises(CimError, match="without a model"):
            open_parser("t5", None, "cpu")

    def test_a_tiny_model_writes(self, tmp_path: Path) -> None:
        """Random weights write nonsense; what is shown is that such a folder loads and is asked."""
        write_tiny(tmp_path)
        parser = open_parser("t5", Loaded(name=str(tmp_path)), "cpu")
        assert len(parser.parse(["A dog.", "A dog. A cat."])) == 2


class TestHub:
    def test_it_comes_from_the_hub_by_its_commit(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "kept"))
        write_tiny(tmp_path / "t5")
        Hub.of(tmp_path / "t5").install(monkeypatch)
        parser = open_parser("t5", Loaded(name="maker/model", revision=COMMIT), "cpu")
        assert len(parser.parse(["A dog."])) == 1

    def test_neither_folder_nor_hub_id(self) -> None:
        with pytest.raises(CimError, match=r"t5 .*no such folder, and not a hub id"):
            open_parser("t5", Loaded.model_construct(name="no such thing", revision=None), "cpu")


def write_tiny(folder: Path) -> None:
    """A T5 of a few weights, with its tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    words = Tokenizer(models.WordLevel({"<pad>": 0, "</s>": 1, "<unk>": 2, "dog": 3}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
                            ).save_pretrained(folder)  # fmt: skip
    config = T5Config(vocab_size=4, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, decoder_start_token_id=0)
    T5ForConditionalGeneration(config).save_pretrained(folder)
