"""The best weights of a run as a captioner folder that stands alone."""

from pathlib import Path
from shutil import rmtree
from typing import Any

from cim.atomic import write_json
from cim.captioners.load import captioner_fingerprint
from cim.tuning.grpo import Tuned


def write_tuned(base: Path, tuned: Tuned, facts: dict[str, Any], out: Path) -> None:
    """Write `out`: safetensors with any adapter merged, the base's processor, cim.json with the lineage.

    base: folder of the captioner that was tuned. facts: JSON values kept in cim.json.
    """
    from transformers import AutoModelForImageTextToText, AutoProcessor

    work = out.with_name(f".{out.name}.partial")
    rmtree(work, ignore_errors=True)
    if (tuned.best / "adapter_config.json").is_file():
        from peft import PeftModel

        plain = AutoModelForImageTextToText.from_pretrained(base, local_files_only=True, use_safetensors=True)
        model = PeftModel.from_pretrained(plain, tuned.best).merge_and_unload()
    else:
        model = AutoModelForImageTextToText.from_pretrained(tuned.best, local_files_only=True, use_safetensors=True)
    model.save_pretrained(work)
    AutoProcessor.from_pretrained(base, local_files_only=True).save_pretrained(work)
    card = {"role": "captioner", "fingerprint": captioner_fingerprint(work), "made_from": facts}
    write_json(work / "cim.json", {**card, "base": captioner_fingerprint(base)})
    if out.exists():
        rmtree(out)
    work.replace(out)
