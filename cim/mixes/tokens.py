"""How many tokens a text is to the encoder that will be trained on it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from cim.errors import CimError
from cim.fingerprint import hash_files
from cim.params.texts import TokenBudget
from cim.sentences import sentence_spans

OPEN_CLIP = "open_clip"
_READ = (".json", ".txt", ".model", ".tiktoken", ".jinja")  # files of a folder that a tokenizer is read from


@dataclass(frozen=True)
class Budget:
    """At most `tokens` by `count`, marks of beginning and end included."""

    tokens: int
    count: Callable[[str], int]

    def cut(self, text: str) -> str | None:
        """`text`, or as many of its first sentences as fit; None where not even the first one does."""
        if self.count(text) <= self.tokens:
            return text
        begin, *_ = spans = sentence_spans(text) or [(0, 0)]
        for _, end in reversed(spans[:-1]):
            if self.count(kept := text[begin[0] : end]) <= self.tokens:
                return kept
        return None


def open_budget(params: TokenBudget) -> Budget:
    """The budget with its tokenizer loaded. Raises CimError where that can't be."""
    if params.tokenizer != OPEN_CLIP:
        return Budget(params.tokens, _hugging_face(params.tokenizer))
    from open_clip.tokenizer import SimpleTokenizer

    encode = SimpleTokenizer().encode
    return Budget(params.tokens, lambda text: len(encode(text)) + 2)


def tokenizer_identity(params: TokenBudget) -> str:
    """Changes when the tokenizer does: for done markers. Raises CimError for a folder that is not there."""
    if params.tokenizer == OPEN_CLIP:
        return f"open_clip_torch {version('open_clip_torch')}"
    folder = _folder(params.tokenizer)
    return hash_files(folder, (path for path in folder.iterdir() if path.suffix in _READ))


def _hugging_face(name: str) -> Callable[[str], int]:
    from transformers import AutoTokenizer

    from cim.models.load import load_part

    folder = _folder(name)
    try:
        tokenizer = load_part(AutoTokenizer, folder)
    except Exception as error:  # tokenizers raises plain Exceptions for files that are none of its own
        said = error.found if isinstance(error, CimError) else f"{type(error).__name__}: {error}"
        raise _not_loaded(name, f"does not load ({said[:300].splitlines()[0]})") from error
    return lambda text: len(tokenizer(text)["input_ids"])


def _folder(name: str) -> Path:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise _not_loaded(name, "is no folder here")
    return folder


def _not_loaded(name: str, why: str) -> CimError:
    return CimError(
        f"tokenizer {name} in texts.budget, which {why}",
        f"{OPEN_CLIP} (CLIP's own) or a local folder with a Hugging Face tokenizer (tokenizer.json)",
        "mend texts.budget.tokenizer, or set texts.budget: null for texts of any length",
    )
