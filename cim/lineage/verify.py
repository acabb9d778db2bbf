"""A chain walked to its end, each link told with what is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass

from cim.lineage.link import UNREADABLE, Link, problem


@dataclass(frozen=True)
class Verdict:
    """link: one of the chain, None for what could not be reached. problem: why it does not hold, None where it does."""

    link: Link | None
    problem: str | None


def verified(links: Iterator[Link]) -> Iterator[Verdict]:
    """Every link in order, its files hashed. Where the record of what comes next can't be read, that is the last."""
    for verdict in told(links):
        yield Verdict(verdict.link, problem(verdict.link)) if verdict.link else verdict


def told(links: Iterator[Link]) -> Iterator[Verdict]:
    """The same without looking at any file but the records: problems are those of reading them."""
    try:
        for link in links:
            yield Verdict(link, None)
    except UNREADABLE as error:
        yield Verdict(None, f"the chain can't be followed further ({type(error).__name__}: {error})")
