"""What is killed in a trial of the whole command `python -m flows.recaption`: engine, workers, where shards go."""

from dataclasses import dataclass
from typing import Any

SHARDS, IMAGES = 10, 30
PARALLEL = 6  # requests under way at the stand-in server


@dataclass(frozen=True)
class Kind:
    """One kind of trial.

    engine: as in caption.engine. store: shards go to an S3 server, and each worker has a folder of its own, as on a
    machine without a common disk. ranked: workers are given --rank and --world. worded: the server words a caption
    anew whenever it is asked, as sampling does; then the samples are compared, and not the bytes. prompts: names of
    several, whose captions are mixed; then workers are killed by what they do with those of the first.
    """

    name: str
    engine: str
    workers: int
    store: bool = False
    ranked: bool = False
    worded: bool = False
    prompts: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ("webdataset", "folder", "parquet")

    @property
    def same_bytes(self) -> bool:
        """Whether captions depend on nothing but image, model and parameters."""
        return self.engine != "vllm" and not self.worded


KINDS: dict[str, tuple[Kind, ...]] = {
    "endpoint": (
        Kind("endpoint", "endpoint", 1),
        Kind("endpoint, worded anew each time", "endpoint", 1, worded=True),
    ),
    "prompts": (
        Kind("two prompts, mixed", "transformers", 1, prompts=("short", "long")),
        Kind("two prompts, mixed, by a server", "endpoint", 1, prompts=("short", "long")),
    ),
    "vllm": (Kind("vllm", "vllm", 1),),
    "workers": (Kind("two workers, one folder", "transformers", 2),),
    "store": (
        Kind("two machines, one store", "transformers", 2, store=True, corpora=("webdataset",)),
        Kind("two machines, one store, worded anew", "endpoint", 2, store=True, worded=True, corpora=("webdataset",)),
    ),
    "ranks": (
        Kind("three ranks, one folder", "transformers", 3, ranked=True),
        Kind("three ranks, one store", "transformers", 3, store=True, ranked=True, corpora=("webdataset",)),
    ),
}
"""Kinds of trials by option, those of one option in turn."""


@dataclass(frozen=True)
class Where:
    """Addresses and folders of one worker's params file. corpus: its path. model, server: one of them is used."""

    corpus: str
    output: str
    model: str
    server: str
    store: str | None = None


def params_of(kind: Kind, corpus: str, where: Where) -> dict[str, Any]:
    """The params file of a worker. corpus: kind of the corpus."""
    engine = kind.engine
    found = {"kind": corpus, "path": where.corpus} | ({"caption": "caption"} if corpus == "parquet" else {})
    caption: dict[str, Any] = {
        "max_new_tokens": 48, "prompts": ["Say."], "batch_size": 8 if engine == "vllm" else 2,
        "engine": engine, "max_reject_share": 1.0,
        "decoding": {"max_repetition": 1.0},
    }  # fmt: skip
    recaption: dict[str, Any] = {"corpus": found, "output": where.output, "samples_per_shard": IMAGES}
    if engine == "endpoint":
        caption["endpoint"] = {"base_url": where.server, "model": "captioner", "parallel": PARALLEL, "attempts": 2}
    else:
        recaption["model"] = {"name": where.model}
    if engine == "vllm":
        caption["vllm"] = {"max_model_length": 256, "memory_share": 0.1, "enforce_eager": True}
    if kind.prompts:
        shares = [{"text": name, "share": 1 / len(kind.prompts)} for name in kind.prompts]
        prompts = {name: f"Say {name}." for name in kind.prompts}
        recaption["texts"] = {"prompts": prompts, "txt": shares, "budget": None}
    if where.store:
        recaption["store"] = where.store
    runtime = {"device": "cpu", "torch_threads": 1, "retries": 2, "retry_delay_seconds": 1.0}
    return {"runtime": runtime, "caption": caption, "recaption": recaption}
