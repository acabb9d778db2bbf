"""The best weights of a run as a captioner folder that stands alone."""

from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any

from cim.atomic import write_json
from cim.captioners.load import captioner_fingerprint, load_processor
from cim.models.load import load_model
from cim.tuning.interpolate import interpolate


def write_tuned(base: Path, best: Path, share: float, facts: dict[str, Any], out: Path, *, trusted: bool) -> None:
    """Write `out`: safetensors with any adapter merged, the base's processor, cim.json with the lineage.

    base: captioner folder that was tuned. best: folder of weights or of an adapter. share: of the way from the base's
    weights to those, see `interpolate`. facts: JSON values kept in cim.json. trusted: run code of the base's folder.
    """
    from transformers import AutoModelForImageTextToText

    load = partial(load_model, AutoModelForImageTextToText, trust_remote_code=trusted)
    work = out.with_name(f".{out.name}.partial")
    rmtree(work, ignore_errors=True)
    if (best / "adapter_config.json").is_file():
        from peft import PeftModel

        model = PeftModel.from_pretrained(load(base), best).merge_and_unload()
    else:
        model = load(best)
    if share < 1:
        interpolate(load(base), model, share)
    model.save_pretrained(work)
    load_processor(base, trust_remote_code=trusted).save_pretrained(work)  # a used tokenizer saves how it padded
    card = {"role": "captioner", "fingerprint": captioner_fingerprint(work), "made_from": facts}
    write_json(work / "cim.json", {**card, "base": captioner_fingerprint(base)})
    if out.exists():
        rmtree(out)
    work.replace(out)
