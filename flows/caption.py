"""Target and eval images described by the base and by the tuned captioner, a task a shard."""

from collections import Counter
from pathlib import Path
from typing import Any

from prefect import flow

from cim.atomic import write_json
from cim.captioners.decoding import Decoding
from cim.captioners.load import captioner_fingerprint
from cim.captions.lineage import Lineage
from cim.captions.shard import ShardJob
from cim.captions.write import prune
from cim.errors import CimError
from cim.layout import Layout
from cim.params import LoadedCaptioner, Params, load_params
from cim.score.rerank import ScoreSpec
from cim.shards.read import read_manifest, shard_paths
from flows.command import main
from flows.shards import map_shards
from tasks.caption import ModelJob, caption_task

SPLITS = ("target", "eval")
BATCHES = 8  # batches in one window: enough for sorting by length to pay


@flow
def caption(params_path: str = "params.yaml") -> dict[str, Any]:
    """Caption the target and eval shards with the base and the tuned captioner; counts by captioner and split."""
    params, layout = load_params(Path(params_path)), Layout()
    models = {"base": layout.model("captioner"), "tuned": layout.tuned}
    plan = {name: _model(folder, params) for name, folder in models.items()}  # both must be there before any work
    summary = {
        name: {split: _split(name, split, model, params, layout) for split in SPLITS} for name, model in plan.items()
    }
    write_json(layout.root / "captions" / "summary.json", summary)
    return summary


def _model(folder: Path, params: Params) -> ModelJob:
    made = params.models.captioner
    return ModelJob(
        folder=folder,
        fingerprint=captioner_fingerprint(folder),
        device=params.runtime.device,
        precision=params.caption.precision,
        trust_remote_code=isinstance(made, LoadedCaptioner) and made.trust_remote_code,
        torch_threads=params.runtime.torch_threads,
        engine=params.caption.engine,
        cache=params.caption.cache,
        prefetch=params.runtime.prefetch,
        score=_score(params, Layout()),
    )


def _score(params: Params, layout: Layout) -> ScoreSpec | None:
    """What scores captions, where that is asked for or candidates need it."""
    asked = params.caption.decoding
    return ScoreSpec(layout, params.tune.reward, params.index) if asked.score or asked.candidates > 1 else None


def _split(captioner: str, split: str, model: ModelJob, params: Params, layout: Layout) -> dict[str, int]:
    """Caption one split; its counts. The tuned model's target captions also become training shards."""
    shards, folder = shard_paths(layout.shards(split)), layout.captions(captioner, split)
    prune(folder, shards)
    section = params.caption
    decoding = Decoding.of(section, model.score.fingerprint() if model.score else "")
    lineage = Lineage(model.fingerprint, section.prompts[0], decoding, section.precision)
    sizes = Counter(read_manifest(layout.shards(split))["shard"].to_list())
    jobs = [
        ShardJob(
            shard=shard,
            folder=folder,
            lineage=lineage,
            tar=(captioner, split) == ("tuned", "target"),
            window=BATCHES * section.batch_size,
            images=sizes[shard.name],
        )
        for shard in shards
    ]
    facts = map_shards(
        caption_task,
        jobs,
        params.runtime,
        f"captioning {split} ({captioner})",
        workers=1,  # they share the model
        model=model,
        batch_size=section.batch_size,
    )
    total = {name: sum(one[name] for one in facts) for name in facts[0]}
    if not total["captions"]:
        raise CimError(
            f"no caption for any of {total['images']} images of {split} by the {captioner} model",
            "at least one image that the captioner takes",
            f"read the reasons in {folder / 'rejects'}",
        )
    return total


if __name__ == "__main__":
    main(caption, "caption")
