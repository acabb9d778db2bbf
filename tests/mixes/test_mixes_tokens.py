"""Token counts by CLIP's own tokenizer and by a folder's; tokenizers that can't be loaded."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

from cim.errors import CimError
from cim.mixes.tokens import open_budget, tokenizer_identity
from cim.params.texts import TokenBudget

LONG = "A photo of a cat. " * 20


def test_open_clip_counts_as_its_tokenizer_does() -> None:
    """Its marks of beginning and end, and a token for each of: a photo of a cat and the full stop."""
    import open_clip

    budget = open_budget(TokenBudget())
    assert budget.count("A photo of a cat.") == 8
    kept = budget.cut(LONG.strip())
    assert kept == ("A photo of a cat. " * 12).strip()  # 2 + 12 * 6 = 74, one more would be 80
    ids = open_clip.get_tokenizer("ViT-B-32")([kept])[0].tolist()
    assert len([one for one in ids if one]) == 74
    assert budget.cut("cat " * 80 + "sits. Then it goes.") is None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    words = Tokenizer(WordLevel({"a": 0, "cat": 1, "[UNK]": 2}, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]").save_pretrained(tmp_path / "words")
    return tmp_path / "words"


def test_a_folders_tokenizer(folder: Path) -> None:
    params = TokenBudget(tokenizer=str(folder), tokens=4)
    assert open_budget(params).count("a cat sits.") == 4
    before = tokenizer_identity(params)
    (folder / "model.safetensors").write_bytes(b"no tokenizer is read from it")
    assert tokenizer_identity(params) == before
    (folder / "tokenizer.json").write_text("{}")
    assert tokenizer_identity(params) != before


def test_tokenizers_that_cannot_be_loaded(folder: Path, tmp_path: Path) -> None:
    (folder / "tokenizer.json").write_text("{ broken")
    (tmp_path / "empty").mkdir()
    for name in (folder, tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(CimError, match=r"tokenizer .*texts\.budget.*expected open_clip.*Remedy: mend texts"):
            open_budget(TokenBudget(tokenizer=str(name)))
    with pytest.raises(CimError, match="is no folder here"):
        tokenizer_identity(TokenBudget(tokenizer="gpt2"))
