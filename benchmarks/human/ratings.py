"""Photos, their captions, and what experts said of some captions; who may be retrieved by a rated caption."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from cim.errors import CimError
from cim.languages.tokens import english_tokens

Captions = dict[str, list[str]]
"""By photo, in the order of the file."""
RATINGS = ("rating_1", "rating_2", "rating_3")


@dataclass(frozen=True)
class Rated:
    """n captions, each with the photo it was rated for.

    ratings: (n, 3), from 1 (does not describe the photo) to 4. own: (n,) whether the caption was written for it.
    references: of each, the captions written for its photo but for the rated one itself.
    """

    photos: Sequence[str]
    captions: Sequence[str]
    ratings: npt.NDArray[np.int64]
    own: npt.NDArray[np.bool_]
    references: Sequence[Sequence[str]]

    @property
    def images(self) -> npt.NDArray[np.int64]:
        """(n,) the number of each one's photo, in the order of names."""
        return np.unique(list(self.photos), return_inverse=True)[1]


def read_captions(folder: Path) -> Captions:
    """captions.csv of `folder` (columns file_name, caption). Raises CimError for a photo that is not in images/."""
    captions: Captions = {}
    for name, caption in pl.read_csv(folder / "captions.csv").select("file_name", "caption").iter_rows():
        captions.setdefault(name, []).append(caption)
    there = {path.name for path in (folder / "images").iterdir()}
    if lacking := sorted(set(captions) - there):
        found = f"{len(lacking)} photos of {folder / 'captions.csv'} that {folder / 'images'} lacks, as {lacking[0]}"
        raise CimError(found, "every photo that has captions", "give a folder with captions.csv and images/")
    return captions


def read_ratings(path: Path, captions: Mapping[str, Sequence[str]]) -> Rated:
    """A CSV of file_name, caption, three ratings and own. Raises CimError for a photo without captions."""
    rows = pl.read_csv(path)
    names = rows["file_name"].to_list()
    if lacking := sorted(set(names) - set(captions)):
        found = f"ratings in {path} of {len(lacking)} photos without captions, as {lacking[0]}"
        raise CimError(found, "captions of every rated photo", "give the folder that the ratings belong to")
    said = rows["caption"].to_list()
    others = [
        [text for text in captions[name] if words(text) != words(caption)]
        for name, caption in zip(names, said, strict=True)
    ]
    ratings = rows.select(RATINGS).to_numpy().astype(np.int64)
    return Rated(names, said, ratings, rows["own"].to_numpy().astype(bool), others)


def words(caption: str) -> str:
    """The words of a caption: two that differ in case or punctuation alone are the same caption."""
    return " ".join(english_tokens(caption))


def gallery_of(captions: Captions, rated: Rated, taught: set[str] | None = None) -> Captions:
    """What rated captions are searched among: no rated photo, and none for which a rated caption was written.

    A rated caption would find the photo it was written for by its own words. taught: only these photos, if given.
    """
    said = {words(caption) for caption in rated.captions}
    out = set(rated.photos)
    return {
        name: texts
        for name, texts in captions.items()
        if name not in out and (taught is None or name in taught) and not any(words(text) in said for text in texts)
    }


def first_half(photos: Sequence[str]) -> npt.NDArray[np.bool_]:
    """(n,) which photos are of the half that variants are chosen on: by a hash of the name, so that it stays."""
    return np.array([sha256(name.encode()).digest()[0] % 2 == 0 for name in photos])
