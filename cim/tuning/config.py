"""What TRL and PEFT are told of a run: every field that params decide."""

from pathlib import Path
from typing import Any

from cim.captioners.load import Captioner
from cim.errors import CimError
from cim.params import Tune
from cim.tuning.ranks import is_sharded, rank_and_size
from cim.tuning.rollout import rollout_arguments


def grpo_config(captioner: Captioner, params: Tune, scratch: Path) -> Any:
    """TRL's GRPOConfig of a run. scratch: where its checkpoints go. Raises CimError for several visible GPUs."""
    import torch
    from accelerate import PartialState
    from trl import GRPOConfig

    on_gpu = captioner.model.device.type == "cuda" or (is_sharded() and PartialState().device.type == "cuda")
    _, ranks = rank_and_size()
    if on_gpu and ranks == 1 and (gpus := torch.cuda.device_count()) > 1:
        raise CimError(
            f"{gpus} GPUs visible to one process",
            "a process for each, or one GPU",
            f"set runtime.train.processes: {gpus}, or make one visible: CUDA_VISIBLE_DEVICES=0",
        )
    captions = params.prompts_per_step * params.generations // ranks  # of this process, in a step of all
    micro = params.micro_batch or captions
    return GRPOConfig(
        output_dir=str(scratch),
        max_steps=params.steps,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=captions // micro,
        steps_per_generation=params.updates_per_rollout * (captions // micro),
        num_generations=params.generations,
        temperature=params.temperature,
        max_completion_length=params.max_new_tokens,
        learning_rate=params.learning_rate,
        lr_scheduler_type=params.schedule,
        beta=params.kl,
        epsilon=params.clip,
        loss_type=params.loss,
        scale_rewards="group",
        activation_checkpointing=params.activation_checkpointing,
        use_cpu=not on_gpu,
        bf16=on_gpu and params.precision != "float32",  # autocast; the weights stay float32
        trust_remote_code=captioner.trusted,
        model_init_kwargs={"dtype": "float32", "device_map": None} if is_sharded() else None,
        dataloader_pin_memory=on_gpu,
        logging_steps=1,
        save_strategy="no",  # KeepBest says when
        save_total_limit=1,
        report_to=[],
        seed=params.seed,
        **rollout_arguments(params.rollout, captioner),
    )


def lora_config(params: Tune) -> Any:
    """PEFT's LoraConfig, None for full fine-tuning."""
    if params.lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=params.lora.rank, lora_alpha=params.lora.alpha, lora_dropout=params.lora.dropout, target_modules="all-linear"
    )
