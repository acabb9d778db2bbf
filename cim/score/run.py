"""Requests to results, a batch at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cim.batches import batched
from cim.images.checks import first_line
from cim.images.decode import decode_rgb
from cim.images.ids import content_id
from cim.records import IdentityScore
from cim.rewards.exclusion import ImageVectors
from cim.rewards.guards.base import GeneratedCaption
from cim.rewards.guards.build import build_guards
from cim.rewards.pictures import ExtendedVectors, Picture, Vectors
from cim.rewards.retriever import Retriever, Unscorable
from cim.rewards.terms.build import OpenTerms
from cim.rewards.training_reward import NO_TERMS, TrainingReward, training_rewards
from cim.score.requests import InvalidRequest, Request

BATCH = 64
"""Requests scored at once: as many decoded photos are held in memory."""
NO_FURTHER = OpenTerms()


@dataclass(frozen=True)
class Result:
    """A request, its image's id, the score or why there is none, and the reward that training pays."""

    request: Request
    id: str
    outcome: IdentityScore | Unscorable
    reward: TrainingReward = NO_TERMS


def batches(
    requests: Iterable[Request | InvalidRequest],
    retriever: Retriever,
    encode: Callable[[Sequence[Picture]], Vectors],
    terms: OpenTerms = NO_FURTHER,
) -> Iterator[list[Result | InvalidRequest]]:
    """One result a request, in order, BATCH at a time; a InvalidRequest one stays as it is.

    encode: vectors of pictures that are not embedded yet, as `cim.rewards.pictures.lazy_encoder` makes it.
    terms: beside GRC and QIR, asked about the images of these results as about those of a training's first step.

    Raises CimError as `Retriever.attempt` does.
    """
    for batch in batched(requests, BATCH):
        yield _batch(batch, retriever, encode, terms)


def retrieved(some: Iterable[Result | InvalidRequest]) -> set[str]:
    """Ids of the gallery items that any of them found."""
    scores = [one.outcome for one in some if isinstance(one, Result)]
    return {name for score in scores if isinstance(score, IdentityScore) for name in score.ids}


@dataclass(frozen=True)
class _Scorable:
    """A request that can be scored, if the encoders can. picture: of a source that is not embedded, else None."""

    request: Request
    id: str
    picture: Picture | None


def _batch(
    batch: Sequence[Request | InvalidRequest],
    retriever: Retriever,
    encode: Callable[[Sequence[Picture]], Vectors],
    terms: OpenTerms,
) -> list[Result | InvalidRequest]:
    looked = [_look(one, retriever.sources) for one in batch]
    asked = [one for one in looked if isinstance(one, _Scorable)]
    added = encode([one.picture for one in asked if one.picture is not None])
    scorer = replace(retriever, sources=ExtendedVectors(retriever.sources, added))
    outcomes = scorer.attempt([one.request.caption for one in asked], [one.id for one in asked])
    said = [GeneratedCaption(one.request.caption, one.request.prompt, id=one.id) for one in asked]
    # No special tokens: which ids were generated, a text doesn't say. Those that are written out are found.
    guards = build_guards(retriever.reward.guards, (), retriever.captions, retriever.language)
    rewards = training_rewards(said, outcomes, retriever.reward, guards, terms(said, outcomes, scorer.sources))
    scored = zip(asked, outcomes, rewards, strict=True)
    results = (Result(one.request, one.id, outcome, reward) for one, outcome, reward in scored)
    return [next(results) if isinstance(one, _Scorable) else one for one in looked]


def _look(one: Request | InvalidRequest, sources: ImageVectors) -> _Scorable | Result | InvalidRequest:
    """A request with the id of its image; its picture only where that has to be encoded."""
    if isinstance(one, InvalidRequest):
        return one
    if one.image is None:
        assert one.id is not None
        known = sources.has([one.id])[0]
        return (
            _Scorable(one, one.id, None) if known else InvalidRequest(f"no embedded sample with id {one.id}", one.line)
        )
    try:
        picture = read_picture(one.image)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        return InvalidRequest(f"no readable {one.image} ({getattr(error, 'strerror', None) or error})", one.line)
    if picture.pixels is None:
        return Result(one, picture.id, Unscorable(picture.problem))
    return _Scorable(one, picture.id, None if sources.has([picture.id])[0] else picture)


def read_picture(path: Path) -> Picture:
    """The picture at `path`. Raises OSError when the file cannot be read; one that is no picture has a problem."""
    content = path.read_bytes()
    try:
        return Picture(content_id(content), decode_rgb(content))
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds on broken bytes, all meaning this
        return Picture(content_id(content), None, f"undecodable image ({first_line(error)})")
