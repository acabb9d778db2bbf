"""embed and index: vectors and how they are searched."""

from typing import Literal

from pydantic import Field, field_validator

from cim.params.base import Section
from cim.params.sources import Split


class Embed(Section):
    """Images and captions to unit vectors, shard by shard."""

    batch_size: int = Field(256, ge=1, description="images or captions an encoder call")
    heldout_splits: list[Literal["eval", "gallery", "train", "validation"]] = Field(
        ["eval"], description="by the held-out encoder; evaluate ranks eval images among all of these"
    )

    @field_validator("heldout_splits")
    @classmethod
    def _judged(cls, splits: list[str]) -> list[str]:
        if "eval" not in splits:
            raise ValueError(f"heldout_splits must hold eval, whose captions are judged, found {splits}")
        return splits


class Search(Section):
    """How an approximate index is searched; exact ones look only at device."""

    nprobe: int = Field(32, ge=1, description="IVF: lists looked into a query; more is slower and finds more")
    ef_search: int = Field(128, ge=1, description="HNSW: nodes kept in sight a query; more is slower and finds more")
    candidates: int = Field(64, ge=1, description="rows an approximate index proposes, then ranked exactly")
    min_recall: float = Field(0.95, ge=0, le=1, description="recall@k below which an approximate index is refused")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: GPUs where FAISS has them, else the CPU")


class Index(Search):
    """FAISS indexes over the gallery."""

    factory: str = Field(
        "flat", min_length=1, description="flat (exact), hnsw, ivf_pq, or a faiss.index_factory string"
    )
    splits: list[Split] = Field(["gallery"], min_length=1, description="splits whose images may be retrieved")
