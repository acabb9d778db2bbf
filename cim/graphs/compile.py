"""Make data/wordnet.txt.gz, the part of WordNet that matching needs, from WordNet's own files.

python -m cim.graphs.compile DICT_FOLDER  (data.noun ... adv.exc; Debian's wordnet-base has them)
"""

import argparse
import gzip
import re
from collections.abc import Iterator
from pathlib import Path

from cim.atomic import write_bytes
from cim.graphs.wordnet import DATA

POS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
_MARKER = re.compile(r"\((?:a|p|ip)\)$")  # where an adjective may stand; no part of the word


def compile_wordnet(folder: Path) -> bytes:
    """The file's bytes, gzipped, the same for the same input.

    A line a synset, "n<TAB>car auto automobile"; a line an irregular form, "n!<TAB>mice mouse". WordNet's licence
    comes first, as it asks, in lines that begin with #.
    """
    licence = [line.strip() for line in _lines(folder / "data.noun") if line.startswith("  ")]
    lines = [f"# {line.split(' ', 1)[-1]}" for line in licence]
    for name, pos in POS.items():
        lines += [f"{pos}\t{' '.join(words)}" for words in _synsets(folder / f"data.{name}")]
        lines += [f"{pos}!\t{' '.join(line.split())}" for line in _lines(folder / f"{name}.exc")]
    return gzip.compress("\n".join([*lines, ""]).encode(), compresslevel=9, mtime=0)


def _synsets(path: Path) -> Iterator[list[str]]:
    """Words of each synset: fields are offset, file, type, number of words (hex), then word and id by turns."""
    for line in _lines(path):
        if not line.startswith("  "):
            fields = line.split(" ")
            count = int(fields[3], 16)
            yield [_MARKER.sub("", word) for word in fields[4 : 4 + 2 * count : 2]]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DICT_FOLDER")
    write_bytes(DATA, compile_wordnet(parser.parse_args().folder))


if __name__ == "__main__":
    main()
