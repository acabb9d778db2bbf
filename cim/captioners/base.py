"""The base captioner: made from nothing or fetched, then warm-started where params ask for it."""

from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree

from cim.atomic import write_json
from cim.captioners.fetch import fetch_captioner
from cim.captioners.load import captioner_fingerprint, load_captioner
from cim.captioners.tiny import make_tiny_captioner
from cim.errors import CimError
from cim.params import LoadedCaptioner, MadeCaptioner, Models
from cim.shards.lookup import ImageLookup
from cim.shards.read import read_manifest


def make_base_captioner(params: Models, train: Path, prompts: Sequence[str], device: str, out: Path) -> None:
    """Make `out` a captioner folder with cim.json, whole or not at all.

    train: folder of the train shards, used by the tokenizer of a made model and by the warm start.
    device: auto, cpu or cuda. Work goes on in a folder beside `out`; a killed warm start resumes there.
    """
    work = out.with_name(f".{out.name}.partial")
    captions = _captions(train)
    start = work / "start"
    if not (start / "cim.json").is_file():
        rmtree(start, ignore_errors=True)
        _start(params, [text for texts in captions.values() for text in texts], prompts, start)
    finished, log = start, []
    if params.captioner.warm_start:
        finished, log = work / "finished", _warm_started(params, captions, train, prompts, device, work)
    made_from = {"params": params.model_dump(mode="json", include={"captioner", "warm_start"}), "warm_start_log": log}
    fingerprint = captioner_fingerprint(finished)
    write_json(finished / "cim.json", {"role": "captioner", "fingerprint": fingerprint, "made_from": made_from})
    if out.exists():
        rmtree(out)
    finished.replace(out)
    rmtree(work, ignore_errors=True)


def _captions(train: Path) -> dict[str, list[str]]:
    table = read_manifest(train)
    captions = {i: texts for i, texts in zip(table["id"].to_list(), table["captions"].to_list(), strict=True) if texts}
    if not captions:
        raise CimError(f"no captioned image in {train}", "captions to start from", "give train a source with captions")
    return captions


def _start(params: Models, texts: list[str], prompts: Sequence[str], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(params.captioner, LoadedCaptioner):
        fetch_captioner(params.captioner, out)
    else:
        # Prompts weigh as much as captions, so that each becomes few tokens.
        often = [prompt for prompt in prompts for _ in range(len(texts))]
        make_tiny_captioner(params.captioner, [*texts, *often], params.warm_start.seed, out)
    write_json(out / "cim.json", {"role": "captioner", "state": "before warm start"})


def _warm_started(
    params: Models, captions: dict[str, list[str]], train: Path, prompts: Sequence[str], device: str, work: Path
) -> list[dict[str, float]]:
    from cim.tuning.align import align_vision
    from cim.tuning.rows import caption_rows
    from cim.tuning.warm_start import warm_start

    section = params.captioner
    trusted = isinstance(section, LoadedCaptioner) and section.trust_remote_code
    captioner = load_captioner(work / "start", device, "float32", trust_remote_code=trusted)  # type: ignore[arg-type]
    images = ImageLookup(train)
    if isinstance(section, MadeCaptioner):
        align_vision(captioner.model, captioner.processor, captions, images, section.align)
    rows = caption_rows(list(captions), list(captions.values()), prompts, images, params.warm_start.seed)
    log = warm_start(captioner.model, captioner.processor, rows, params.warm_start, work / "checkpoints")
    finished = work / "finished"
    rmtree(finished, ignore_errors=True)
    captioner.model.save_pretrained(finished)
    captioner.processor.save_pretrained(finished)
    return log
