"""Target and eval images described by the base and by the tuned captioner, a task a shard."""

from collections import Counter
from pathlib import Path
from typing import Any

from prefect import flow

from cim.atomic import write_json
from cim.captioners.load import Precision
from cim.captions.job import ShardJob
from cim.captions.windows import BATCHES
from cim.captions.write import prune
from cim.layout import Layout
from cim.params import LoadedCaptioner, Params, load_params
from cim.readers.webdataset import TarPart
from cim.rewards.pictures import ScoreSpec
from cim.shards.read import read_manifest, shard_paths
from flows.captioning import caption_shards
from flows.command import main
from flows.precision import resolve_precision
from tasks.caption import ModelJob

SPLITS = ("target", "eval")


@flow
def caption(params_path: str = "params.yaml") -> dict[str, Any]:
    """Caption the target and eval shards with the base and the tuned captioner; counts by captioner and split."""
    params, layout = load_params(Path(params_path)), Layout()
    models = {"base": layout.model("captioner"), "tuned": layout.tuned}
    precision = resolve_precision(params.caption, params.runtime)
    plan = {name: _model(folder, params, precision) for name, folder in models.items()}  # both there before any work
    (layout.root / "captions" / "summary.json").unlink(missing_ok=True)  # it says that all is done
    summary = {
        name: {split: _split(name, split, model, params, layout) for split in SPLITS} for name, model in plan.items()
    }
    write_json(layout.root / "captions" / "summary.json", summary)
    return summary


def _model(folder: Path, params: Params, precision: Precision) -> ModelJob:
    made = params.models.captioner
    trusted = isinstance(made, LoadedCaptioner) and made.trust_remote_code
    layout = Layout()
    score = ScoreSpec(layout, params.tune.reward, params.index) if params.caption.scored else None
    job = ModelJob.of(folder, params.caption, params.runtime, precision=precision, trusted=trusted, score=score)
    return job.keeping(layout.trunk_outputs)


def _split(captioner: str, split: str, model: ModelJob, params: Params, layout: Layout) -> dict[str, Any]:
    """Caption one split; its summary. The tuned model's target captions also become training shards."""
    shards, folder = shard_paths(layout.shards(split)), layout.captions(captioner, split)
    prune(folder, [shard.stem for shard in shards])
    section, lineage = params.caption, model.lineage()
    sizes = Counter(read_manifest(layout.shards(split))["shard"].to_list())
    jobs = [
        ShardJob(
            part=TarPart(shard, images=sizes[shard.name]),
            folder=folder,
            stem=shard.stem,
            number=number,
            lineage=lineage,
            tar=(captioner, split) == ("tuned", "target"),
            window=BATCHES * section.batch_size,
        )
        for number, shard in enumerate(shards)
    ]
    log = layout.root / "logs" / f"caption-{captioner}-{split}.jsonl"  # times: not for DVC
    return caption_shards(jobs, model, section, params.runtime, log)


if __name__ == "__main__":
    main(caption, "caption")
