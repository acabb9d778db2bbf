"""Captions in, rewards out: one encoder call and one search a batch, in process."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cim.errors import CimError
from cim.index.meta import IndexMeta, check_embeddings, check_encoder, check_ids
from cim.index.vectors import VectorStore, read_ids
from cim.layout import Layout
from cim.params.retrieval import Index
from cim.params.tune import Reward
from cim.records import Retrieved
from cim.rewards.exclusion import EXCLUSIONS
from cim.rewards.identity import identity_reward
from cim.rewards.spaces import Space, open_space, present_embeddings


@dataclass(frozen=True)
class IdentityScore:
    """The reward of one caption and what it retrieved, best first.

    ids: k gallery items. scores: their retrieval scores. cosines: of their image vectors with the source's.
    """

    grc: float
    qir: float
    total: float
    ids: tuple[str, ...]
    scores: tuple[float, ...]
    cosines: tuple[float, ...]


@dataclass(frozen=True)
class Retriever:
    """A retrieval space, the image vectors of its items and of the sources, and the reward's parameters."""

    space: Space
    items: VectorStore
    sources: VectorStore
    reward: Reward

    @classmethod
    def open(cls, layout: Layout, reward: Reward, device: str = "cpu", index: Index | None = None) -> "Retriever":
        """Everything under `layout` that `reward` needs. index: what data/index must have been built with.

        Raises CimError when a part is missing, stale or of another encoder, the gallery holds fewer than k items, or
        an approximate index finds too few of the k best.
        """
        folder = layout.index("items")
        meta = IndexMeta.read(folder)
        check_ids(folder, meta, read_ids(folder / "ids.parquet"))
        if meta.items < reward.k:
            raise CimError(
                f"{meta.items} gallery items", f"at least k = {reward.k}", "add images or lower tune.reward.k"
            )
        images = present_embeddings(layout, "image")
        check_embeddings(meta, images)
        for embeddings in images:
            check_encoder(meta, embeddings.encoder, str(layout.root / "embeddings" / embeddings.name))
        files = sorted((layout.root / "embeddings" / "image").glob("*/*.npy"))
        sources = VectorStore([(file, file.with_suffix(".parquet")) for file in files])
        items = VectorStore([(folder / "vectors.npy", folder / "ids.parquet")])
        return cls(open_space(layout, reward.space, device, index, reward.k), items, sources, reward)

    def retrieve(self, captions: Sequence[str], source_ids: Sequence[str]) -> Retrieved:
        """What b captions find, the items their sources may not retrieve left out.

        Raises CimError when fewer than k items are left for one, ValueError for a caption that cannot be encoded.
        """
        queries = self.space.encode(list(captions))
        return self._search(queries, source_ids)

    def score(self, captions: Sequence[str], source_ids: Sequence[str]) -> list[IdentityScore | None]:
        """The reward of b captions of b sources; None where there is no honest number.

        None: a blank caption, one the encoder makes no finite vector of, a source without an image vector.
        Raises CimError when no source at all has a vector: those are not bad images but other embeddings.
        """
        if len(captions) != len(source_ids):
            raise ValueError(f"{len(captions)} captions for {len(source_ids)} source ids")
        result: list[IdentityScore | None] = [None] * len(captions)
        known = self.sources.has(source_ids)
        if len(source_ids) and not known.any():
            raise CimError(
                f"no image vector for any of {len(source_ids)} sources, the first {source_ids[0]}",
                "embeddings of the split they belong to",
                "dvc repro embed",
            )
        places = [i for i, caption in enumerate(captions) if caption.strip() and known[i]]
        if not places:
            return result
        queries = self.space.encode([captions[i] for i in places])
        usable = np.flatnonzero(np.isfinite(queries).all(axis=1))
        places = [places[row] for row in usable]
        ids = [source_ids[i] for i in places]
        retrieved = self._search(queries[usable], ids)
        source = self.sources.get(ids)
        reward = identity_reward(source, retrieved.vectors, self.reward.beta, self.reward.decay)
        cosines = np.einsum("bd,bkd->bk", source, retrieved.vectors)
        for row, place in enumerate(places):
            result[place] = IdentityScore(
                grc=float(reward.grc[row]),
                qir=float(reward.qir[row]),
                total=float(reward.total[row]),
                ids=tuple(retrieved.ids[row]),
                scores=tuple(retrieved.scores[row].tolist()),
                cosines=tuple(cosines[row].tolist()),
            )
        return result

    def _search(self, queries: np.ndarray, source_ids: Sequence[str]) -> Retrieved:
        k = self.reward.k
        ids, scores = self.space.search(queries, k, EXCLUSIONS[self.reward.exclude](source_ids))
        flat = self.items.get([name for row in ids for name in row])
        return Retrieved(ids, scores, flat.reshape(len(ids), k, self.items.dim))
