"""One run of GRPO: what it needs is opened here, what it leaves is written here."""

import logging
import os
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from shutil import rmtree
from typing import Any

from pydantic import TypeAdapter

from cim.atomic import write_bytes, write_json
from cim.captioners.decoding import Decoding
from cim.captioners.load import load_captioner, load_processor, outline_captioner
from cim.captioners.special_tokens import check_prompts, suppressed_tokens
from cim.errors import CimError
from cim.languages.known import language_of
from cim.ranks import rank_and_size
from cim.rewards.functions import reward_functions
from cim.rewards.guards.build import guards_aside
from cim.rewards.open import open_text_tower
from cim.rewards.retriever import Retriever
from cim.rewards.terms.build import OpenTerms
from cim.rewards.terms.workspace import Workspace
from cim.rewards.trl import TrlReward
from cim.shards.read import ImageLookup, read_manifest
from cim.tuning.grpo import Tuned, grpo, prompt_rows
from cim.tuning.job import ALARMS, CURVES, SUMMARY, TuneJob
from cim.tuning.launch import Launch
from cim.tuning.policy import check_packages, load_policy
from cim.tuning.ranks import barrier, is_sharded
from cim.tuning.record import alarm_record, curves
from cim.tuning.sources import sources
from cim.tuning.stopping import best_of
from cim.tuning.trunk import keep_outputs
from cim.tuning.tunable import check_logits, check_tunable
from cim.tuning.validate import Validator
from cim.tuning.weights import read_trained, save_trained, write_tuned

RUNS = Path("runs")
"""Where TensorBoard looks, unless TENSORBOARD_LOGGING_DIR says so."""

_log = logging.getLogger(__name__)


def tune(job: TuneJob) -> dict[str, Any]:
    """Train, unless that is done, and write the tuned captioner, its curves, alarms and summary; the summary.

    A killed training goes on from its last checkpoint. Where it is done and the captioner is not, as with another
    interpolation, only that is written. Of several machines that train, machine 0 writes. Raises CimError for fewer
    train images than one rollout takes, for a prompt that holds a special token, for packages that are not
    installed, and for a captioner that `check_tunable` or `check_logits` refuses.
    """
    layout, params = job.layout, job.params
    base, share = layout.model("captioner"), params.interpolation
    check_packages(params)
    processor = load_processor(base, trust_remote_code=job.trust_remote_code)
    check_prompts(processor, job.prompts)
    check_tunable(processor, job.prompts)
    reward = cache(partial(open_reward, job))  # only where it is needed: it holds encoders
    tuned = read_trained(layout.trained, job.training())
    if tuned is not None:
        print(f"Nothing to train: weights are written {share:g} of the way to those of {layout.trained}", flush=True)
    elif job.ranks.size == 1:
        tuned = train(job, *reward())
    else:
        tuned = _train_in_ranks(job)
    if job.ranks.machine_rank:
        return {"steps": int(tuned.validations[-1]["step"]), "stop_reason": tuned.stop_reason}
    table = curves(tuned.log, tuned.validations, params.reward.terms.named())
    write_bytes(layout.tuned.parent / CURVES, table.write_csv().encode())
    write_json(layout.tuned.parent / ALARMS, alarm_record(params, tuned.checks, tuned.alarms, tuned.stop_reason))
    facts: dict[str, Any] = {
        "best": best_of(tuned.validations),
        "base": tuned.validations[0],
        "steps": int(tuned.validations[-1]["step"]),
        "stop_reason": tuned.stop_reason,
        "alarms": len(tuned.alarms),
    }
    lineage = {"params": params.model_dump(mode="json"), **sources(job), **facts}
    write_tuned(base, tuned.best, share, lineage, layout.tuned, trusted=job.trust_remote_code)
    if share < 1:  # weights that no validation has seen yet
        kept = load_captioner(layout.tuned, job.device, "float32", trust_remote_code=job.trust_remote_code)
        facts["kept"] = asdict(reward()[1](kept.model, kept.processor))
        if (between := facts["kept"]["self_retrieval"]) < (before := facts["base"]["self_retrieval"]):
            _log.warning(
                "weights %g of the way to the tuned ones retrieve themselves less (%.3f) than the base captioner's"
                " (%.3f). Kept: the best checkpoint's, as with tune.interpolation: 1", share, between, before,
            )  # fmt: skip
            facts["kept"] = facts["best"]
            write_tuned(base, tuned.best, 1.0, {**lineage, **facts}, layout.tuned, trusted=job.trust_remote_code)
    write_json(layout.tuned.parent / SUMMARY, facts)
    return facts


def train(job: TuneJob, retriever: Retriever, validator: Validator) -> Tuned:
    """Train in this process, which may be one rank of several; rank 0 keeps what the run leaves in `layout.trained`."""
    layout, params, scratch = job.layout, job.params, job.scratch
    train_shards = layout.shards("train")
    ids = sorted(read_manifest(train_shards)["id"].to_list())
    rollout = params.prompts_per_step * params.updates_per_rollout
    if len(ids) < rollout:  # TRL would drop the incomplete rollout and train nothing
        raise CimError(
            f"{len(ids)} train images", f"the {rollout} of one rollout", "add images or lower tune.prompts_per_step"
        )
    main = rank_and_size()[0] == 0
    if main and (aside := guards_aside(params.reward.guards, retriever.language)):
        said = "\n  ".join(f"{name}: {why}" for name, why in aside.items())
        _log.warning("captions in %s; guards that stand aside:\n  %s", retriever.language.name, said)
    for stale in job.checkpoints.glob("*") if main else ():  # another run's: other data or parameters
        if stale != scratch and stale.is_dir():
            rmtree(stale)
    if "tensorboard" in params.report_to:  # the trainer's own choice are its checkpoints, which go in the end
        os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(RUNS))
    base, trusted = layout.model("captioner"), job.trust_remote_code
    if is_sharded():
        captioner = outline_captioner(base, trust_remote_code=trusted)
    else:
        captioner = load_policy(base, params, job.device, trust_remote_code=trusted)
        check_logits(captioner, job.prompts[0])
        if params.vision == "frozen":
            keep_outputs(captioner, base, layout.trunk_outputs)
    rows = prompt_rows(ids, job.prompts, ImageLookup(train_shards), params.seed)
    terms = OpenTerms.of(params.reward.terms, _workspace(job, retriever))
    total = TrlReward(retriever, suppressed_tokens(captioner.processor, captioner.model), terms)
    reward = reward_functions(total, params)
    tuned = grpo(captioner, rows, reward, validator, params, scratch)
    if main:
        tuned = save_trained(tuned, layout.trained, job.training())
    barrier()
    return tuned


def _train_in_ranks(job: TuneJob) -> Tuned:
    """Train in the ranks of `accelerate launch`; what rank 0 left."""
    import torch

    file = job.checkpoints / "job.json"
    write_bytes(file, TypeAdapter(TuneJob).dump_json(job))
    on_gpu = job.device != "cpu" and torch.cuda.is_available()
    precision = "bf16" if on_gpu and job.params.precision != "float32" else "no"
    Launch("cim.tuning.worker", [str(file)], job.ranks, job.error, precision).run(partial(print, flush=True))
    tuned = read_trained(job.layout.trained, job.training())
    if tuned is None:
        raise CimError(
            f"no finished training in {job.layout.trained} on this machine",
            "what rank 0 leaves, on storage that all machines share",
            "mount data/ alike on all of them",
        )
    return tuned


def _workspace(job: TuneJob, retriever: Retriever) -> Workspace:
    return Workspace(job.layout, job.encoders_on, retriever.language, retriever.text_tower)


def open_reward(job: TuneJob) -> tuple[Retriever, Validator]:
    """What scores captions, and what judges a captioner by them."""
    retriever = Retriever.open(
        job.layout, job.params.reward, job.encoders_on, job.index, job.search_threads, language_of(job.language)
    )
    return retriever, _validator(job, retriever)


def _validator(job: TuneJob, retriever: Retriever) -> Validator:
    folder = job.layout.shards("validation")
    ids = sorted(read_manifest(folder)["id"].to_list())
    chosen = [i for i, known in zip(ids, retriever.sources.has(ids), strict=True) if known]
    chosen = chosen[: job.params.validation_images]
    return Validator(
        ids=chosen,
        images=ImageLookup(folder),
        vectors=retriever.sources.get(chosen),
        encoder=retriever.text_tower or open_text_tower(job.layout, job.encoders_on),
        retriever=retriever,
        prompt=job.prompts[0],
        decoding=Decoding(job.params.max_new_tokens),
    )
