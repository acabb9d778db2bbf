"""Sections of a dataset card that tell what the flows counted: images, rejects, captions, mixes, curation."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cim.export.lineage import ModelNote
from cim.export.seen import Seen
from cim.markdown import NOT_RECORDED, block, code, facts, number, plain, share, table


def counts(seen: Seen) -> str:
    """Samples by split, and by source where that was counted."""
    rows = [
        [code(name), number(many), number(shards), f"{size / 2**20:,.1f} MiB"]
        for name, (many, shards, size) in seen.by_split().items()
    ]
    parts = [table(["split", "samples", "shards", "size"], rows)]
    summary = seen.finished.summary
    came, written = summary.get("images"), summary.get("captions")
    if isinstance(came, int):
        parts.append(f"Images that came in: {number(came)}; captions written: {number(written)}.")
    elif isinstance(came, Mapping) and isinstance(written, Mapping):  # of flows.shard, by what became of them
        names = list(dict.fromkeys([*came, *written]))
        fates = [[plain(name), number(came.get(name)), number(written.get(name))] for name in names]
        parts.append(table(["", "images", "captions"], fates))
    sources = summary.get("sources")
    if isinstance(sources, Mapping) and seen.finished.kind == "shard":
        rows = [
            [plain(name), number(one["images"]["in"]), number(one["images"]["out"])] for name, one in sources.items()
        ]
        parts.append(table(["source", "images in", "images out"], rows))
    return "\n\n".join(parts)


def left_out(seen: Seen) -> str:
    """Rejects by reason."""
    if not (rejects := seen.finished.rejects()):
        return "Nothing was left out."
    rows = [[plain(reason), number(count)] for reason, count in sorted(rejects.items(), key=lambda one: -one[1])]
    what = "pairs" if seen.finished.kind == "curate" else "images and captions"
    return table(["reason", what], rows)


def captions(seen: Seen, notes: Sequence[ModelNote]) -> str:
    """How captions were made: by which model, base and commit, prompt and decoding; and how long they are."""
    made = seen.captions()
    if not made:
        return "" if seen.finished.kind in ("shard", "curate") else f"How captions were made: {NOT_RECORDED}."
    by_model = {note.fingerprint: note for note in notes}
    parts = []
    for one, samples in made:
        note = by_model.get(str(one.get("model_fingerprint")), ModelNote(str(one.get("model_fingerprint"))))
        name = one.get("model_name") or one.get("model") or note.name
        revision = one.get("model_revision") or one.get("revision") or note.revision
        rows = [
            ("base model" if note.tuned else "model", plain(name) if name else NOT_RECORDED),
            ("its revision", code(revision) if revision else NOT_RECORDED),
            ("its licence", plain(note.license) if note.license else NOT_RECORDED),
            ("tuned by this pipeline", "yes" if note.tuned else NOT_RECORDED),
            ("fingerprint of the captioner", code(one.get("model_fingerprint"))),
            ("decoding", code(_json(one.get("decoding")))),
            ("samples", number(samples)),
        ]
        prompt = block(str(one.get("prompt")), "text") if one.get("prompt") else NOT_RECORDED
        parts.append(f"### {plain(one['name'])}\n\n{facts(rows)}\n\nPrompt:\n\n{prompt}")
    return "\n\n".join([*parts, *_lengths(seen.finished.summary)])


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def mix(summary: Mapping[str, Any]) -> str:
    """Shares asked for and given."""
    if not (parts := summary.get("parts")):
        return ""
    written = summary.get("captions") or 0
    rows = [
        [code(label), share(one["share"], 1), share(one["drawn"], written), share(one["given"], written)]
        for label, one in parts.items()
    ]
    said = [table(["part", "asked for", "drawn first", "given"], rows)]
    if passed := summary.get("passed"):
        lacking = [[plain(what), number(count)] for what, count in passed.items()]
        said += ["Drawn, but not to be had, so that another was given:", table(["part, and why", "samples"], lacking)]
    said.append(
        f"Texts cut behind a sentence to fit the budget: {number(summary.get('cut'))};"
        f" longest text: {number(summary.get('tokens') or None)} tokens."
    )
    return "\n\n".join(said)


def refinement(seen: Seen) -> str:
    """What refined the captions, step by step, and what came of the last one."""
    parts = []
    for step, samples in seen.refined():
        rows = [
            ("samples", number(samples)),
            ("refiner", code(step["kind"])),
            ("text that was refined", code(step["of"])),
            ("text that came of it", code(step["name"])),
            ("models, templates and tables", code(_json(step["made_with"]))),
            ("parameters", code(_json(_anywhere(step["by"])))),
            ("pipeline version", code(step["pipeline_version"])),
        ]
        parts += [f"Step {step['step']}:", facts(rows)]
    summary = seen.finished.summary
    if parts and seen.finished.kind == "refine":
        outcomes = [[plain(outcome), number(count)] for outcome, count in (summary.get("outcomes") or {}).items()]
        parts += ["What came of the last step:", table(["outcome", "captions"], outcomes)]
        parts.append(
            f"Captions that it changed: {number(summary.get('changed'))}. All texts are in a sample's `texts`."
        )
    return "\n\n".join(parts)


def _anywhere(value: Any) -> Any:
    """Parameters without where files lie on the machine that refined."""
    if not isinstance(value, Mapping):
        return value
    gone = ("folder", "path", "template", "scores")
    found = {name: _anywhere(one) for name, one in value.items() if name not in gone}
    return found | ({"captioners": sorted(value["captioners"])} if "captioners" in value else {})


def curation(seen: Seen) -> str:
    """Pairs kept and dropped, by source."""
    summary = seen.finished.summary
    if seen.finished.kind != "curate":
        return ""
    rows = [
        [plain(name), number(one["pairs"]), number(one["kept"]), number(sum(one["dropped"].values()))]
        for name, one in (summary.get("sources") or {}).items()
    ]
    total = [plain("all"), *(number(summary.get(name)) for name in ("pairs", "kept"))]
    rows.append([*total, number(sum(seen.finished.rejects().values()))])
    parts = [table(["source", "pairs", "kept", "dropped"], rows)]
    if levels := summary.get("levels"):
        parts.append(table(["level", "pairs"], [[plain(level), number(count)] for level, count in levels.items()]))
    return "\n\n".join(parts)


def _lengths(summary: Mapping[str, Any]) -> list[str]:
    parts = []
    if lengths := summary.get("lengths"):
        names = list(next(iter(lengths.values())))
        rows = [[plain(unit), *(f"{one[name]:g}" for name in names)] for unit, one in lengths.items()]
        parts.append(table(["length in", *names], rows))
    if reasons := summary.get("finish_reasons"):
        rows = [[plain(reason), number(count)] for reason, count in reasons.items()]
        parts.append(table(["why captions ended", "captions"], rows))
    return parts
