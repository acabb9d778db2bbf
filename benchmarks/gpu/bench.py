"""What a part of the benchmark is told, and the rows that it leaves one by one, so that a crash takes none back."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

MIB = 2**20


@dataclass(frozen=True)
class Sizes:
    """How much is done. photos: images that are embedded; captioned: those of them that are captioned.

    width, height: of a photo. gallery, dim: of what is searched by `queries` at once. tokens: of a caption.
    batch: images an encoder's or captioner's pass. steps: of GRPO that are measured, one more comes before.
    """

    photos: int
    width: int
    height: int
    captioned: int
    gallery: int
    dim: int
    queries: int
    tokens: int
    batch: int
    steps: int


REAL = Sizes(1024, 640, 480, 192, 1_000_000, 768, 1280, 128, 64, 2)
TOY = Sizes(6, 64, 48, 4, 400, 32, 16, 6, 2, 1)


@dataclass(frozen=True)
class Row:
    """A measurement, or a note why there is none. figures: column -> what it says."""

    part: str
    what: str
    device: str
    figures: dict[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Bench:
    """One part's orders. toy: small shapes. layers: of a captioner's text model, None: all of the published ones.

    scratch: a folder that the parts share. rows: the file that its rows go to, a line each.
    """

    part: str
    device: Literal["cpu", "cuda"]
    toy: bool
    scratch: Path
    rows: Path
    layers: int | None = None

    @property
    def sizes(self) -> Sizes:
        """TOY or REAL."""
        return TOY if self.toy else REAL

    @property
    def where(self) -> str:
        """The device, and what is not as published."""
        changed = ["toy"] * self.toy + ([] if self.layers is None else [f"{self.layers} layers"])
        return ", ".join([self.device, *changed])

    def row(self, what: str, **figures: Any) -> None:
        """Leave a measurement. figures: numbers with four digits, texts as they are."""
        said = {name.replace("_", " "): _said(value) for name, value in figures.items()}
        self._leave(Row(self.part, what, self.where, said))

    def skip(self, what: str, why: object) -> None:
        """Leave the reason why it is not measured."""
        self._note(what, f"skipped: {why}")

    def fail(self, what: str, why: str) -> None:
        """Leave what ended it."""
        self._note(what, f"failed: {why}")

    def _note(self, what: str, text: str) -> None:
        self._leave(Row(self.part, what, self.where, note=" ".join(text.split())))

    def _leave(self, row: Row) -> None:
        with self.rows.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row)) + "\n")


def read_rows(file: Path) -> list[Row]:
    """What parts have left so far."""
    if not file.exists():
        return []
    return [Row(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def table(rows: Sequence[Row]) -> str:
    """Markdown: for each part a table with the columns that it fills."""
    blocks = []
    for part in dict.fromkeys(row.part for row in rows):
        found = [row for row in rows if row.part == part and not row.note]
        lines = [f"### {part}"]
        if found:
            columns = list(dict.fromkeys(name for row in found for name in row.figures))
            lines += ["", f"| what | device | {' | '.join(columns)} |", "|" + "---|" * (len(columns) + 2)]
            for row in found:
                cells = [row.figures.get(name, "") for name in columns]
                lines.append(f"| {row.what} | {row.device} | {' | '.join(cells)} |")
        lines += ["", *(f"- {row.what}: {row.note}" for row in rows if row.part == part and row.note)]
        blocks.append("\n".join(lines).strip())
    return "\n\n".join(blocks)


def _said(value: Any) -> str:
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
