"""The best weights of a run as a captioner folder that stands alone."""

from pathlib import Path
from shutil import rmtree
from typing import Any

from cim.atomic import write_json
from cim.captioners.load import Captioner, captioner_fingerprint
from cim.tuning.grpo import Tuned
from cim.tuning.interpolate import interpolate


def write_tuned(base: Path, captioner: Captioner, tuned: Tuned, share: float, facts: dict[str, Any], out: Path) -> None:
    """Write `out`: safetensors with any adapter merged, the base's processor, cim.json with the lineage.

    base: folder that `captioner` was loaded from. share: of the way from its weights to the best ones of the run, see
    `interpolate`. facts: JSON values kept in cim.json.
    """
    from transformers import AutoModelForImageTextToText

    how = {"local_files_only": True, "use_safetensors": True, "trust_remote_code": captioner.trusted}
    work = out.with_name(f".{out.name}.partial")
    rmtree(work, ignore_errors=True)
    if (tuned.best / "adapter_config.json").is_file():
        from peft import PeftModel

        plain = AutoModelForImageTextToText.from_pretrained(base, **how)
        model = PeftModel.from_pretrained(plain, tuned.best).merge_and_unload()
    else:
        model = AutoModelForImageTextToText.from_pretrained(tuned.best, **how)
    if share < 1:
        interpolate(AutoModelForImageTextToText.from_pretrained(base, **how), model, share)
    model.save_pretrained(work)
    captioner.processor.save_pretrained(work)
    card = {"role": "captioner", "fingerprint": captioner_fingerprint(work), "made_from": facts}
    write_json(work / "cim.json", {**card, "base": captioner_fingerprint(base)})
    if out.exists():
        rmtree(out)
    work.replace(out)
