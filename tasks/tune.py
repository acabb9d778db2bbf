"""tune: one run of GRPO is one task; what it needs is opened here, what it leaves is written here."""

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any, Literal

from prefect import task

from cim.atomic import done_facts, mark_done, unmark, write_bytes, write_json
from cim.captioners.load import captioner_fingerprint
from cim.errors import CimError
from cim.fingerprint import code_of, fingerprint
from cim.layout import Layout
from cim.params import Index, Tune
from cim.rewards.depth import CAPTIONS, PARTS

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TuneJob:
    """Everything one run depends on besides data/. device, torch_threads: how it runs, not what it makes.

    index: what data/index must have been built with; its meta.json is in the fingerprint.
    """

    layout: Layout
    params: Tune
    prompts: tuple[str, ...]
    device: Literal["auto", "cpu", "cuda"]
    torch_threads: int
    trust_remote_code: bool
    index: Index | None = None

    def __str__(self) -> str:
        return "the captioner"

    def training(self) -> str:
        """Fingerprint of what the training depends on: code, base model, reward, images, and all parameters but one.

        The meta.json know the code of index and encoders.
        """
        layout = self.layout
        parts = sorted({CAPTIONS, *PARTS[self.params.reward.space]})  # what is searched, and what no copy may be of
        return fingerprint(
            code_of("cim.captioners", "cim.metrics.retrieval", "cim.metrics.text", "cim.rewards", "cim.tuning"),
            captioner_fingerprint(layout.model("captioner")),
            *(layout.index(part) / "meta.json" for part in ("items", *parts)),
            layout.shards("train") / "manifest.parquet",
            layout.shards("validation") / "manifest.parquet",
            self.params.model_dump(mode="json", exclude={"interpolation"}),
            list(self.prompts),
        )

    def fingerprint(self) -> str:
        """Of the tuned captioner: the training, and how far to go to its weights."""
        return fingerprint(self.training(), self.params.interpolation)

    def done(self) -> dict[str, Any] | None:
        """The facts of an earlier run if all that it leaves is there, made from this, else None."""
        if not all((self.layout.tuned.parent / name).is_file() for name in (CURVES, ALARMS, SUMMARY)):
            return None
        if done_facts(self.layout.trained, self.training()) is None:
            return None
        return done_facts(self.layout.tuned, self.fingerprint())


CURVES, ALARMS, SUMMARY = "curves.csv", "alarms.json", "summary.json"


@task
def tune_task(job: TuneJob) -> dict[str, Any]:
    """Tune the base captioner unless that is done; a killed run goes on from its last checkpoint.

    Where the training is done and the captioner is not, as with another interpolation, only that is written.
    """
    if (facts := job.done()) is not None:
        return facts
    import torch

    torch.set_num_threads(job.torch_threads)
    unmark(job.layout.tuned)
    facts = _tune(job)
    rmtree(_checkpoints(job), ignore_errors=True)
    mark_done(job.layout.tuned, job.fingerprint(), **facts)
    return facts


def _checkpoints(job: TuneJob) -> Path:
    return job.layout.tuned.parent / "checkpoints"


def _tune(job: TuneJob) -> dict[str, Any]:
    from cim.captioners.load import load_captioner, load_processor
    from cim.captioners.prompts import check_prompts
    from cim.rewards.retriever import Retriever
    from cim.tuning.alarm_record import alarm_record
    from cim.tuning.curves import curves
    from cim.tuning.finish import write_tuned
    from cim.tuning.stopping import best_of
    from cim.tuning.trained import read_trained

    layout, params = job.layout, job.params
    base, share = layout.model("captioner"), params.interpolation
    check_prompts(load_processor(base, trust_remote_code=job.trust_remote_code), job.prompts)
    retriever = Retriever.open(layout, params.reward, job.device, job.index)
    validator = _validator(job, retriever)
    tuned = read_trained(layout.trained, job.training())
    if tuned is None:
        tuned = _train(job, retriever, validator)
    else:
        print(f"Nothing to train: weights are written {share:g} of the way to those of {layout.trained}", flush=True)
    write_bytes(layout.tuned.parent / CURVES, curves(tuned.log, tuned.validations).write_csv().encode())
    write_json(layout.tuned.parent / ALARMS, alarm_record(params, tuned.checks, tuned.alarms, tuned.stop_reason))
    facts = {
        "best": best_of(tuned.validations),
        "base": tuned.validations[0],
        "steps": int(tuned.validations[-1]["step"]),
        "stop_reason": tuned.stop_reason,
        "alarms": len(tuned.alarms),
    }
    lineage = {"params": params.model_dump(mode="json"), **facts}
    write_tuned(base, tuned.best, share, lineage, layout.tuned, trusted=job.trust_remote_code)
    if share < 1:  # weights that no validation has seen yet
        kept = load_captioner(layout.tuned, job.device, "float32", trust_remote_code=job.trust_remote_code)
        facts["kept"] = asdict(validator(kept.model, kept.processor))
        if (between := facts["kept"]["self_retrieval"]) < (before := facts["base"]["self_retrieval"]):
            _log.warning(
                "weights %g of the way to the tuned ones retrieve themselves less (%.3f) than the base captioner's"
                " (%.3f). Kept: the best checkpoint's, as with tune.interpolation: 1", share, between, before,
            )  # fmt: skip
            facts["kept"] = facts["best"]
            write_tuned(base, tuned.best, 1.0, {**lineage, **facts}, layout.tuned, trusted=job.trust_remote_code)
    write_json(layout.tuned.parent / SUMMARY, facts)
    return facts


def _train(job: TuneJob, retriever: Any, validator: Any) -> Any:
    from cim.captioners.load import load_captioner
    from cim.captioners.suppress import suppressed_tokens
    from cim.rewards.trl import identity_terms
    from cim.shards.lookup import ImageLookup
    from cim.shards.read import read_manifest
    from cim.tuning.grpo import grpo
    from cim.tuning.rows import prompt_rows
    from cim.tuning.trained import keep_trained

    layout, params, name = job.layout, job.params, job.training()
    scratch = _checkpoints(job) / name
    for stale in scratch.parent.glob("*"):  # another run's: other data or parameters
        if stale != scratch:
            rmtree(stale)
    base = layout.model("captioner")
    captioner = load_captioner(base, job.device, "float32", trust_remote_code=job.trust_remote_code)
    train = layout.shards("train")
    ids = sorted(read_manifest(train)["id"].to_list())
    rollout = params.prompts_per_step * params.updates_per_rollout
    if len(ids) < rollout:  # TRL would drop the incomplete rollout and train nothing
        raise CimError(
            f"{len(ids)} train images", f"the {rollout} of one rollout", "add images or lower tune.prompts_per_step"
        )
    rows = prompt_rows(ids, job.prompts, ImageLookup(train), params.seed)
    terms = identity_terms(retriever, suppressed_tokens(captioner.processor, captioner.model))
    return keep_trained(grpo(captioner, rows, terms, validator, params, scratch), layout.trained, name)


def _validator(job: TuneJob, retriever: Any) -> Any:
    from cim.captioners.decoding import Decoding
    from cim.encoders.load import load_clip
    from cim.shards.lookup import ImageLookup
    from cim.shards.read import read_manifest
    from cim.tuning.validate import Validator

    folder = job.layout.shards("validation")
    ids = sorted(read_manifest(folder)["id"].to_list())
    chosen = [i for i, known in zip(ids, retriever.sources.has(ids), strict=True) if known]
    chosen = chosen[: job.params.validation_images]
    return Validator(
        ids=chosen,
        images=ImageLookup(folder),
        vectors=retriever.sources.get(chosen),
        encoder=load_clip(job.layout.model("image"), job.device),
        retriever=retriever,
        prompt=job.prompts[0],
        decoding=Decoding(job.params.max_new_tokens),
    )
