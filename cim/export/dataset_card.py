"""README.md of an exported dataset: front matter that `datasets` reads, and what the run recorded, in tables."""

from collections.abc import Sequence
from typing import Any

from cim.export.dataset_sections import captions, counts, curation, left_out, mix, refinement
from cim.export.fields import MIXED
from cim.export.licences import license_fields
from cim.export.lineage import ModelNote
from cim.export.seen import Seen
from cim.markdown import NOT_RECORDED, code, facts, front_matter, number, plain, sections, share, table
from cim.provenance import UNKNOWN

SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
MADE_BY = {
    "shard": "images and captions as they were collected, checked and deduplicated by `flows.shard`",
    "caption": "images with captions by a captioner of this pipeline, made by `flows.caption`",
    "recaption": "images with captions that a model made, by `flows.recaption`",
    "refine": "images with captions that were refined, by `flows.refine`",
    "remix": "images with a mix of texts, drawn by `flows.remix`",
    "curate": "images with the texts that `flows.curate` kept of theirs",
}


def dataset_card(title: str, seen: Seen, notes: Sequence[ModelNote]) -> str:
    """The text of README.md. notes: of the captioners, by what their own notes say."""
    parts = [
        ("Load it", _loading(seen)),
        ("Counts", counts(seen)),
        ("What is left out", left_out(seen)),
        ("Captions", captions(seen, notes)),
        ("Refinement", refinement(seen)),
        ("Mix", mix(seen.finished.summary)),
        ("Curation", curation(seen)),
        ("Licences and sources", _provenance(seen)),
        ("Fields", _fields(seen)),
        ("Known limits", _limits(seen)),
        ("Lineage", _lineage(seen)),
    ]
    about = (
        f"{number(seen.samples)} {MADE_BY[seen.finished.kind]}. All figures below are from what that run recorded"
        " (`records/`) and from the shards themselves; `not recorded` stands where it recorded nothing."
    )
    return f"{_front_matter(title, seen)}\n# {plain(title)}\n\n{about}\n\n{sections(parts)}\n"


def _front_matter(title: str, seen: Seen) -> str:
    from datasets import DatasetInfo
    from datasets.info import DatasetInfosDict
    from datasets.splits import SplitDict, SplitInfo
    from huggingface_hub import DatasetCardData

    splits = seen.by_split()
    size = next((name for most, name in SIZES if seen.samples < most), "n>10M")
    data = DatasetCardData(
        **license_fields(seen.provenance["license"]),
        pretty_name=title,
        task_categories=["image-to-text"],
        size_categories=[size],
        tags=["webdataset", "image-captioning", f"cim-{seen.finished.kind}"],
        configs=[{
            "config_name": "default",
            "data_files": [{"split": name, "path": f"data/{name}/*.tar"} for name in splits],
        }],
    )  # fmt: skip
    found = {name: SplitInfo(name, num_bytes=size, num_examples=many) for name, (many, _, size) in splits.items()}
    total = sum(size for _, _, size in splits.values())
    info = DatasetInfo(features=seen.features(), splits=SplitDict(found), download_size=total, dataset_size=total)
    DatasetInfosDict({"default": info}).to_dataset_card_data(data)
    return front_matter(data)


def _loading(seen: Seen) -> str:
    split = seen.finished.splits()[0]
    tars = f"data/{split}/*.tar"
    return (
        "```python\n"
        "from datasets import load_dataset\n\n"
        f'dataset = load_dataset("FOLDER_OR_HUB_ID", split="{split}")  # streaming=True reads without unpacking\n'
        "```\n\n"
        f"The files are WebDataset tars (`{tars}`): `webdataset`, `open_clip_train` and others read them as they are."
    )


def _provenance(seen: Seen) -> str:
    found, images = seen.provenance, seen.samples
    licenses = [
        [plain(name) if name != UNKNOWN else "**unknown**", number(count), share(count, images)]
        for name, count in found["license"].items()
    ]
    others = [
        [plain(title), number(found[name]["known"]), number(found[name][UNKNOWN])]
        for name, title in (("source_url", "source address"), ("attribution", "attribution (author, creator)"))
    ]
    return "\n\n".join([
        table(["licence of the image", "images", "share"], licenses),
        table(["", "known", "unknown"], others),
        "As the columns of the corpus say it; no check of it is recorded. `unknown` is no permission. An image's"
        " licence is in its JSON, under `provenance` or the corpus's own name for it.",
    ])  # fmt: skip


def _fields(seen: Seen) -> str:
    columns = seen.features()
    rows = [[code(name), number(count), _kind(name, columns)] for name, count in seen.members.items()]
    parts = [table(["column", "samples", "type"], rows)]
    if gone := seen.left_out():
        shown = list(gone.items())[:100]
        parts.append("In the tars, but no column, as `datasets` needs one type for all samples:")
        parts.append(table(["field", "why"], [[code(name), why] for name, why in shown]))
        if len(gone) > len(shown):
            parts.append(f"And {len(gone) - len(shown):,} more.")
    return "\n\n".join(parts)


def _kind(name: str, columns: Any) -> str:
    if name not in columns:
        return "not read" if name != "json" else f"object, {MIXED}"
    feature = columns[name]
    return "object" if isinstance(feature, dict) else type(feature).__name__.lower().replace("value", "text")


def _limits(seen: Seen) -> str:
    summary, images = seen.finished.summary, seen.samples
    found = []
    if seen.captions():
        found.append(
            "Captions were made by a model and may name what is not there. That anybody checked them is not recorded."
        )
    reasons = summary.get("finish_reasons") or {}
    if cut := reasons.get("length"):
        found.append(f"{number(cut)} captions reached the limit of tokens before they ended.")
    if looped := reasons.get("repetition"):
        found.append(f"{number(looped)} captions were stopped because they went round in circles.")
    repeated = summary.get("repeated") or {}
    if again := repeated.get("captions"):
        found.append(f"{number(again)} captions repeat another image's word for word ({share(again, images)}).")
    if broken := summary.get("cut_short"):
        found.append(f"{number(broken)} tars of the corpus were broken; what lay behind the break is missing.")
    if images > seen.members.get("txt", 0):
        found.append(f"{number(images - seen.members.get('txt', 0))} samples have no text.")
    unknown = seen.provenance["license"][UNKNOWN]
    if unknown:
        found.append(f"The licence of {number(unknown)} of {number(images)} images is unknown.")
    found.append(f"Whether images show people, or are safe for work: {NOT_RECORDED}, but for what was left out above.")
    return "\n".join(f"- {one}" for one in found)


def _lineage(seen: Seen) -> str:
    card = seen.finished.card
    versions = sorted({str(one["pipeline_version"]) for one, _ in seen.captions() if one.get("pipeline_version")})
    rows = [
        ("made by", code(f"flows.{seen.finished.kind}")),
        ("plan", code(card["plan"]) if card.get("plan") else NOT_RECORDED),
        ("pipeline version", ", ".join(map(code, versions)) or NOT_RECORDED),
        *([("tokenizer of the budget", code(card["tokenizer"]))] if card.get("tokenizer") else []),
    ]
    records = ", ".join(code(f"records/{path.name}") for path in seen.finished.records)
    told = "Each sample's JSON names its own source and how its caption was made, where its flow recorded that."
    return f"{facts(rows)}\n\nThe run's own records: {records}. {told}"
