"""README.md of an exported captioner: what its training recorded, and how it did where that was measured."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cim.export.licences import license_fields
from cim.export.lineage import ModelNote
from cim.markdown import NOT_RECORDED, block, code, facts, front_matter, number, plain, sections, table
from cim.provenance import UNKNOWN
from cim.report.table import markdown as metrics_table

LEARNING = ("steps", "learning_rate", "schedule", "prompts_per_step", "generations", "updates_per_rollout", "loss",
    "clip", "kl", "temperature", "max_new_tokens", "interpolation", "precision", "seed")  # fmt: skip


@dataclass(frozen=True)
class ModelRecords:
    """What was recorded of a captioner; {} or None where nothing was.

    card: its cim.json. summary, alarms: of its training. metrics: of its captions against the base's. shards: of the
    data. caption: a row of its captions' table: prompt and decoding.
    """

    card: Mapping[str, Any]
    note: ModelNote
    summary: Mapping[str, Any] = field(default_factory=dict)
    alarms: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] | None = None
    shards: Mapping[str, Any] = field(default_factory=dict)
    caption: Mapping[str, Any] | None = None
    architecture: str = ""

    @property
    def params(self) -> Mapping[str, Any]:
        """Of the training."""
        found = (self.card.get("made_from") or {}).get("params")
        return found if isinstance(found, dict) else {}


def model_card(title: str, records: ModelRecords) -> str:
    """The text of README.md."""
    parts = [
        ("How to load it", _loading(records)),
        ("Base model", _base(records)),
        ("Data", _data(records)),
        ("Reward", _reward(records.params.get("reward"))),
        ("Training", _training(records)),
        ("Metrics", _metrics(records)),
        ("Known limits", _limits(records)),
        ("Lineage", _lineage(records)),
    ]
    about = (
        "A captioner that was tuned by Cross-modal Identity Mapping"
        " ([arXiv 2603.01696](https://arxiv.org/abs/2603.01696)), without annotations: GRPO with a reward that asks"
        " whether searching with a caption finds images like the one it describes. All figures are from what the run"
        " recorded (`records/`, `cim.json`); `not recorded` stands where it recorded nothing."
    )
    return f"{_front_matter(records)}\n# {plain(title)}\n\n{about}\n\n{sections(parts)}\n"


def _front_matter(records: ModelRecords) -> str:
    from huggingface_hub import ModelCardData

    note = records.note
    fields: dict[str, Any] = license_fields({note.license or UNKNOWN: 1})
    if note.name and note.revision:
        fields |= {"base_model": note.name, "base_model_relation": "finetune"}
    data = ModelCardData(
        **fields,
        library_name="transformers",
        pipeline_tag="image-text-to-text",
        tags=["image-captioning", "grpo", "cim"],
    )
    return front_matter(data)


def _loading(records: ModelRecords) -> str:
    prompt = records.caption["prompt"] if records.caption else None
    most = records.params.get("max_new_tokens")
    said = json.dumps(prompt or "Describe this image.", ensure_ascii=False)
    example = f"""from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

model = AutoModelForImageTextToText.from_pretrained("FOLDER_OR_HUB_ID", use_safetensors=True)
processor = AutoProcessor.from_pretrained("FOLDER_OR_HUB_ID")
asked = [{{"role": "user", "content": [{{"type": "image"}}, {{"type": "text", "text": {said}}}]}}]
text = processor.apply_chat_template(asked, add_generation_prompt=True)
inputs = processor(images=[Image.open("image.jpg").convert("RGB")], text=[text], return_tensors="pt")
tokens = model.generate(**inputs, max_new_tokens={most or 512}, do_sample=False)
print(processor.batch_decode(tokens[:, inputs["input_ids"].shape[1]:], skip_special_tokens=True)[0])"""
    about = "The prompt is the one that its captions were measured with." if prompt else f"Its prompt: {NOT_RECORDED}."
    return f"{block(example, 'python')}\n\n{about} Weights are safetensors; no code of the folder is needed."


def _base(records: ModelRecords) -> str:
    note = records.note
    return facts(
        [
            ("base model", plain(note.name) if note.name else NOT_RECORDED),
            ("its revision", code(note.revision) if note.revision else NOT_RECORDED),
            ("its licence", plain(note.license) if note.license else NOT_RECORDED),
            ("its fingerprint", code(note.base) if note.base else NOT_RECORDED),
            ("architecture", code(records.architecture) if records.architecture else NOT_RECORDED),
        ]
    )


def _data(records: ModelRecords) -> str:
    if not (splits := records.shards.get("splits")):
        return f"Images and captions: {NOT_RECORDED}."
    rows = [[code(name), number(one.get("images")), number(one.get("captions"))] for name, one in splits.items()]
    parts = [table(["split", "images", "captions"], rows)]
    if sources := records.shards.get("sources"):
        parts.append("Sources: " + ", ".join(plain(name) for name in sources) + ".")
    if provenance := records.shards.get("provenance"):
        rows = [[plain(name), number(count)] for name, count in provenance["license"].items()]
        parts.append(table(["licence of the images, all splits", "images"], rows))
    else:
        parts.append(f"Licences of the images: {NOT_RECORDED}.")
    return "\n\n".join(parts)


def _reward(reward: Any) -> str:
    if not isinstance(reward, dict):
        return f"{NOT_RECORDED}."
    values = [(code(name), code(json.dumps(value))) for name, value in reward.items() if name != "guards"]
    rows = [_guard(name, one) for name, one in (reward.get("guards") or {}).items()]
    penalties = table(["guard: a penalty on", "limits", "weight"], rows) if rows else "No guards."
    return f"GRC + beta * QIR, less what the guards take.\n\n{facts(values)}\n\n{penalties}"


def _guard(name: str, params: Any) -> list[str]:
    if not isinstance(params, dict):
        return [code(name), "off", ""]
    limits = {key: value for key, value in params.items() if key != "weight"}
    return [code(name), code(json.dumps(limits)) if limits else "", number(params.get("weight"))]


def _training(records: ModelRecords) -> str:
    params, made = records.params, records.card.get("made_from") or {}
    rows = [(code(name), code(json.dumps(params[name]))) for name in LEARNING if name in params]
    rows += [("steps made", number(made.get("steps"))), ("why it ended", plain(made.get("stop_reason", NOT_RECORDED)))]
    return facts(rows)


def _metrics(records: ModelRecords) -> str:
    found = []
    if records.metrics is not None:
        found.append(metrics_table(records.metrics))
    else:
        found.append(f"Its captions against the base's on images held out: {NOT_RECORDED}.")
    judged = {name: records.summary[name] for name in ("base", "best", "kept") if name in records.summary}
    if judged:
        names = [name for name in next(iter(judged.values())) if name != "step"]
        rows = [[name, *(_judged(one[key]) for key in names)] for name, one in judged.items()]
        about = "On the validation images that chose the checkpoint, so not held out:"
        found.append(f"{about}\n\n{table(['', *(plain(name) for name in names)], rows)}")
    return "\n\n".join(found)


def _judged(value: float | None) -> str:
    """A measure of a validation; None where no caption could be scored."""
    return "no score" if value is None else f"{value:.3g}"


def _limits(records: ModelRecords) -> str:
    found = ["Captions may name what is not there; the reward sees errors only as far as they change what is found."]
    if records.metrics is None:
        found.append("How it does on images held out is not recorded.")
    alarms = records.alarms.get("alarms")
    if alarms is None:
        found.append("Whether training raised alarms is not recorded.")
    for one in alarms or []:
        found.append(
            f"Alarm while training, step {one.get('step')}: {plain(one.get('alarm'))}, {plain(one.get('found'))}"
        )
    if not records.note.license:
        found.append("The licence of its base model is not recorded: find out before you pass it on.")
    return "\n".join(f"- {one}" for one in found)


def _lineage(records: ModelRecords) -> str:
    row = records.caption or {}
    rows = [
        ("fingerprint", code(records.card.get("fingerprint") or NOT_RECORDED)),
        ("prompt", code(row["prompt"]) if row else NOT_RECORDED),
        ("decoding, as measured", code(row["decoding"]) if row else NOT_RECORDED),
        ("pipeline version, as measured", code(row["pipeline_version"]) if row else NOT_RECORDED),
    ]
    return facts(rows)
