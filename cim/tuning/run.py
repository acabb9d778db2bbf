"""One run of GRPO: what it needs is opened here, what it leaves is written here."""

import logging
from dataclasses import asdict
from shutil import rmtree
from typing import Any

from cim.atomic import write_bytes, write_json
from cim.captioners.decoding import Decoding
from cim.captioners.load import load_captioner, load_processor
from cim.captioners.special_tokens import check_prompts, suppressed_tokens
from cim.encoders.load import load_clip
from cim.errors import CimError
from cim.rewards.retriever import Retriever
from cim.rewards.trl import TrlReward
from cim.shards.read import ImageLookup, read_manifest
from cim.tuning.grpo import Tuned, grpo, prompt_rows
from cim.tuning.job import ALARMS, CURVES, SUMMARY, TuneJob
from cim.tuning.record import alarm_record, curves
from cim.tuning.stopping import best_of
from cim.tuning.validate import Validator
from cim.tuning.weights import read_trained, save_trained, write_tuned

_log = logging.getLogger(__name__)


def tune(job: TuneJob) -> dict[str, Any]:
    """Train, unless that is done, and write the tuned captioner, its curves, alarms and summary; the summary.

    A killed training goes on from its last checkpoint. Where it is done and the captioner is not, as with another
    interpolation, only that is written. Raises CimError for fewer train images than one rollout takes,
    and for a prompt that holds a special token.
    """
    layout, params = job.layout, job.params
    base, share = layout.model("captioner"), params.interpolation
    check_prompts(load_processor(base, trust_remote_code=job.trust_remote_code), job.prompts)
    retriever = Retriever.open(layout, params.reward, job.device, job.index, job.search_threads)
    validator = _validator(job, retriever)
    tuned = read_trained(layout.trained, job.training())
    if tuned is None:
        tuned = _train(job, retriever, validator)
    else:
        print(f"Nothing to train: weights are written {share:g} of the way to those of {layout.trained}", flush=True)
    write_bytes(layout.tuned.parent / CURVES, curves(tuned.log, tuned.validations).write_csv().encode())
    write_json(layout.tuned.parent / ALARMS, alarm_record(params, tuned.checks, tuned.alarms, tuned.stop_reason))
    facts: dict[str, Any] = {
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


def _train(job: TuneJob, retriever: Retriever, validator: Validator) -> Tuned:
    layout, params, name = job.layout, job.params, job.training()
    scratch = job.checkpoints / name
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
    reward = TrlReward(retriever, suppressed_tokens(captioner.processor, captioner.model))
    return save_trained(grpo(captioner, rows, reward, validator, params, scratch), layout.trained, name)


def _validator(job: TuneJob, retriever: Retriever) -> Validator:
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
