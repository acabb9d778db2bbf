"""Memory that one image takes while it is decoded, by its kind: bytes a pixel, beside the encoded file.

`python -m benchmarks.caption.decode_memory`. Each row is a process of its own, which has decoded a small image of that
kind before. What stays, 4 bytes a pixel, is what a window counts.
"""

import argparse
import io
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from benchmarks.common.memory import most_resident
from cim.captions.job import AnySize
from cim.images.checks import decode

SIDE = 3000


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def _turned(picture: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # EXIF 2.32, orientation: shown a quarter turned
    return _saved(picture, "JPEG", exif=exif)


def _see_through(picture: Image.Image) -> Image.Image:
    clear = picture.convert("RGBA")
    clear.putalpha(100)
    return clear


KINDS: dict[str, Callable[[Image.Image], bytes]] = {
    "JPEG": lambda picture: _saved(picture, "JPEG"),
    "JPEG, turned by EXIF": _turned,
    "PNG": lambda picture: _saved(picture, "PNG", compress_level=1),
    "PNG, palette with transparency": lambda picture: _saved(picture.quantize(16), "PNG", transparency=0),
    "PNG with transparency": lambda picture: _saved(_see_through(picture), "PNG", compress_level=1),
    "WebP": lambda picture: _saved(picture, "WEBP", quality=10, method=0),
    "WebP with transparency": lambda picture: _saved(_see_through(picture), "WEBP", quality=10, method=0),
}


def _picture(side: int) -> Image.Image:
    return Image.linear_gradient("L").resize((side, side)).convert("RGB")


def _work(path: Path, kind: str) -> None:
    image = path.read_bytes()
    decode(KINDS[kind](_picture(64)), AnySize())
    before = most_resident()
    decode(image, AnySize())
    print((most_resident() - before) / SIDE**2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        _work(Path(options.work[0]), options.work[1])
        return
    print(f"| {SIDE} x {SIDE} | most bytes a pixel |\n|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for kind, make in KINDS.items():
            path = Path(name) / "image"
            path.write_bytes(make(_picture(SIDE)))
            command = [sys.executable, "-m", "benchmarks.caption.decode_memory", "--work", str(path), kind]
            found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            print(f"| {kind} | {float(found.stdout):.1f} |", flush=True)


if __name__ == "__main__":
    main()
