"""The weights that a run leaves: the best of a finished training, and the tuned captioner written from them."""

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

from cim.atomic import done_facts, mark_done, replacing_folder, write_json
from cim.captioners.load import captioner_fingerprint, load_processor
from cim.models.load import load_model
from cim.tuning.grpo import Tuned


def save_trained(tuned: Tuned, out: Path, fingerprint: str) -> Tuned:
    """The same run with its best weights in `out`, marked done with the rest of the run as facts.

    The folder that holds `out` and the marker, and nothing else, is replaced by a whole one. Weights are copied: after
    a kill a rerun looks for them where the run left them. fingerprint: of all that training depends on.
    """
    record = asdict(tuned)
    del record["best"]
    with replacing_folder(out.parent) as work:
        copytree(tuned.best, work / out.name, ignore=ignore_patterns("*.bin"))  # the trainer's arguments, pickled
        mark_done(work / out.name, fingerprint, **record)
    return replace(tuned, best=out)


def read_trained(out: Path, fingerprint: str) -> Tuned | None:
    """What `save_trained` left if it was made from exactly this and is as it was, else None."""
    record = done_facts(out, fingerprint)
    return None if record is None else Tuned(best=out, **record)


def write_tuned(base: Path, best: Path, share: float, facts: dict[str, Any], out: Path, *, trusted: bool) -> None:
    """Write `out`: safetensors with any adapter merged, the base's processor, cim.json with the lineage.

    base: captioner folder that was tuned. best: folder of weights or of an adapter. share: of the way from the base's
    weights to those, see `interpolate`. facts: JSON values kept in cim.json. trusted: run code of the base's folder.
    """
    from transformers import AutoModelForImageTextToText

    load = partial(load_model, AutoModelForImageTextToText, trust_remote_code=trusted)
    if (best / "adapter_config.json").is_file():
        from peft import PeftModel

        model = PeftModel.from_pretrained(load(base), best).merge_and_unload()
    else:
        model = load(best)
    if share < 1:
        interpolate(load(base), model, share)
    with replacing_folder(out) as work:
        model.save_pretrained(work)
        load_processor(base, trust_remote_code=trusted).save_pretrained(work)  # a used tokenizer saves how it padded
        card = {"role": "captioner", "fingerprint": captioner_fingerprint(work), "made_from": facts}
        write_json(work / "cim.json", {**card, "base": captioner_fingerprint(base)})


def interpolate(start: Any, tuned: Any, share: float) -> None:
    """Move `tuned` in place to start + share * (tuned - start), weight by weight; both of one architecture.

    share: in (0, 1]; 1 leaves `tuned` as it is. Between a model and its fine-tuned self lie models that keep more of
    what the first knew for little of what the second learnt (WiSE-FT, arXiv 2109.01903; after RLHF: WARP,
    arXiv 2406.16768). Computed in float32 whatever the weights are held in.
    """
    import torch

    before = dict(start.named_parameters())
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            weight.copy_(torch.lerp(before[name].float(), weight.float(), share))
