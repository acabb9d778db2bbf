"""The base captioner: made from nothing or fetched, then warm-started where params ask for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any, Literal

import polars as pl

from cim.atomic import read_json, replace_folder, write_json
from cim.captioners.fetch import fetch_captioner
from cim.captioners.load import Captioner, Precision, captioner_fingerprint, load_captioner, load_processor
from cim.captioners.special_tokens import check_prompts
from cim.errors import CimError
from cim.fingerprint import code_of, fingerprint
from cim.models.folder import stated_license
from cim.params import LoadedCaptioner, Models, TinyCaptioner, TowerCaptioner
from cim.shards.read import ImageLookup, read_manifest
from cim.warm_start.controls import Controls, check_known, control_tables, read_controls, with_token
from cim.warm_start.tiny import make_tiny_captioner

Device = Literal["auto", "cpu", "cuda"]
FEATURES = "features.npy"
STATE = "log.done.json"  # not part of a captioner's fingerprint


def make_base_captioner(
    params: Models,
    learnt: Sequence[Path],
    prompts: Sequence[str],
    device: Device,
    out: Path,
    outputs: Path | None = None,
) -> None:
    """Make `out` a captioner folder with cim.json, whole or not at all.

    learnt: folders of shards, of `warm_start.splits`: for the tokenizer of a made model, the alignment, the warm start.
    outputs: where a frozen tower's outputs are kept for other stages, None: nowhere.
    Work goes on in a folder beside `out`; a killed run resumes there. Raises CimError for what can't be fetched or
    trained, and for a prompt that would end the user's turn.
    """
    key = fingerprint(code_of(__name__), params.captioner, *learnt_from(params, learnt, prompts))
    work = out.with_name(f".{out.name}.{key}")  # never mixed with what other parameters left
    for stale in set(out.parent.glob(f".{out.name}.*")) - {work}:
        if stale.is_dir():
            rmtree(stale)
    captions, controls = _captions(learnt), read_controls(params.warm_start)
    check_known(controls, captions)
    making = _Making(params, captions, ImageLookup(*learnt), tuple(prompts), device, controls, outputs)
    folder = _once(work / "start", making.start)
    check_prompts(load_processor(folder, trust_remote_code=making.trusted), making.asked)
    if isinstance(params.captioner, TinyCaptioner):
        folder = _once(work / "aligned", partial(making.align, folder))
    if isinstance(params.captioner, TowerCaptioner):
        seen = _once(work / "seen", partial(making.see, folder))
        train_on = partial(making.start_on_tower, folder, seen, checkpoints=work / "checkpoints")
        folder = _once(work / "warm", train_on)
    elif params.captioner.warm_start:
        folder = _once(work / "warm", partial(making.warm_start, folder, checkpoints=work / "checkpoints"))
    log = read_json(folder / STATE)
    made_from = params.model_dump(mode="json", include={"captioner", "warm_start"})
    card = {"role": "captioner", "fingerprint": captioner_fingerprint(folder), "made_from": made_from, "log": log}
    if license := stated_license(work / "start"):
        card["license"] = license
    if making.trunk_precision:
        card["trunk_precision"] = making.trunk_precision
    write_json(folder / "cim.json", card)
    replace_folder(out, folder)
    (out / STATE).unlink()
    rmtree(work, ignore_errors=True)


def learnt_from(params: Models, learnt: Sequence[Path], prompts: Sequence[str]) -> list[Any]:
    """Parts of the fingerprint of a base captioner beside its code and its own section. learnt: folders of shards.

    Raises CimError where control tokens are asked for and no curated corpus is there.
    """
    return [
        params.warm_start,
        list(prompts),
        *[folder / "manifest.parquet" for folder in learnt],
        *control_tables(params.warm_start),
    ]


def _captions(learnt: Sequence[Path]) -> dict[str, list[str]]:
    table = pl.concat([read_manifest(folder).select("id", "captions") for folder in learnt])
    captions = {i: texts for i, texts in zip(table["id"].to_list(), table["captions"].to_list(), strict=True) if texts}
    if not captions:
        where = ", ".join(map(str, learnt))
        raise CimError(f"no captioned image in {where}", "captions to start from", "give train a source with captions")
    return captions


@dataclass(frozen=True)
class _Making:
    """The steps from nothing to a base captioner; each fills a new folder and returns its log."""

    params: Models
    captions: dict[str, list[str]]
    images: ImageLookup
    prompts: tuple[str, ...]
    device: Device
    controls: Controls
    outputs: Path | None

    @property
    def asked(self) -> list[str]:
        """Every prompt that the warm start may use."""
        tokens = sorted(set(self.controls.values()))
        return [with_token(token, prompt) for prompt in self.prompts for token in (None, *tokens)]

    def start(self, out: Path) -> list[float]:
        section = self.params.captioner
        if isinstance(section, LoadedCaptioner):
            fetch_captioner(section, out)
            return []
        seed = self.params.warm_start.seed
        texts = [text for several in self.captions.values() for text in several]
        # Prompts weigh as much as captions, so that each becomes few tokens.
        often = [prompt for prompt in self.asked for _ in texts]
        if isinstance(section, TowerCaptioner):
            from cim.trunks.weights import open_trunk
            from cim.warm_start.on_tower import make_tower_captioner

            trunk = open_trunk(section.trunk, "models.captioner.trunk")
            make_tower_captioner(section, trunk, [*texts, *often], seed, out)
        else:
            make_tiny_captioner(section, [*texts, *often], seed, out)
        return []

    def align(self, source: Path, out: Path) -> list[float]:
        from cim.warm_start.align import align_vision

        assert isinstance(self.params.captioner, TinyCaptioner)
        captioner = self._load(source)
        section = self.params.captioner.align
        losses = align_vision(captioner.model, captioner.processor, self.captions, self.images, section)
        _save(captioner, out)
        return losses

    def warm_start(self, source: Path, out: Path, checkpoints: Path) -> list[dict[str, float]]:
        from cim.warm_start.rows import caption_rows
        from cim.warm_start.sft import warm_start

        captioner, section = self._load(source), self.params.warm_start
        ids, captions = list(self.captions), list(self.captions.values())
        rows = caption_rows(ids, captions, self.prompts, self.images, section.seed, self.controls)
        log = warm_start(captioner.model, captioner.processor, rows, section, checkpoints)
        _save(captioner, out)
        return log

    def see(self, source: Path, out: Path) -> list[float]:
        """What the frozen tower makes of the train images; a model's folder is not what this fills."""
        from cim.warm_start.features import write_features

        captioner = self._frozen(source)
        out.mkdir()
        write_features(captioner.model, captioner.processor, list(self.captions), self.images, out / FEATURES)
        return []

    def start_on_tower(self, source: Path, seen: Path, out: Path, checkpoints: Path) -> list[dict[str, float]]:
        from cim.warm_start.features import Features
        from cim.warm_start.tower_start import start_on_tower, told_rows

        captioner, section = self._frozen(source), self.params.warm_start
        model, processor = captioner.model, captioner.processor
        rows = told_rows(self.captions, self.prompts, processor, section.seed)
        features = Features.open(seen / FEATURES, model.model.vision_tower)
        log = start_on_tower(model, processor, rows, features, section, checkpoints)
        _save(captioner, out)
        return log

    def _frozen(self, folder: Path) -> Captioner:
        """The captioner with its tower frozen, the tower's outputs kept for all stages."""
        from cim.trunks.frozen import freeze

        captioner = self._load(folder)
        assert self.trunk_precision is not None
        freeze(captioner.model.model.vision_tower.timm_model, self.trunk_precision, self.outputs)
        return captioner

    @property
    def trunk_precision(self) -> Precision | None:
        """What a frozen tower computes in; None without one."""
        section = self.params.captioner
        if not isinstance(section, TowerCaptioner):
            return None
        from cim.models.device import pick_device
        from cim.trunks.frozen import precision_here

        return precision_here(section.trunk.precision, pick_device(self.device).type)

    def _load(self, folder: Path) -> Captioner:
        return load_captioner(folder, self.device, "float32", trust_remote_code=self.trusted)

    @property
    def trusted(self) -> bool:
        section = self.params.captioner
        return isinstance(section, LoadedCaptioner) and section.trust_remote_code


def _once(folder: Path, make: Callable[[Path], Any]) -> Path:
    """`folder`, made unless an earlier run finished it; its log, written last, says so."""
    if not (folder / STATE).is_file():
        rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_json(folder / STATE, make(folder))
    return folder


def _save(captioner: Captioner, folder: Path) -> None:
    captioner.model.save_pretrained(folder)
    captioner.processor.save_pretrained(folder)
