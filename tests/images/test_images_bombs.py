"""Images that would fill the memory are refused by their headers: shown in a process that may take little of it."""

import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from malformed_images import jpeg_of, png_of, webp_of

ALLOWED = 48  # MiB above what the imports took
DECODE = """
import resource, sys
from cim.params.images import ImageLimits
from cim.images.checks import Unusable, decode
image = open(sys.argv[1], "rb").read()
decode(open(sys.argv[2], "rb").read(), ImageLimits())  # loads what decoding loads
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
taken = int(status["VmSize"].split()[0]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (taken + int(sys.argv[3]) * 2**20, -1))
try:
    print(decode(image, ImageLimits())[0].width)
except Unusable as refused:
    print(refused.reason.value)
except MemoryError:
    print("out of memory")
"""


def gray(side: int) -> bytes:
    """A whole PNG of side x side black pixels, a bit each: some 50 KB for 20,000."""
    return png_of(side, side, zlib.compress(bytes(side * ((side + 7) // 8 + 1)), 1), depth=1, colour=0)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    ("name", "side", "found"),
    [
        ("bomb.png", 20_000, "too many pixels"),
        ("bomb.jpg", 65_500, "too many pixels"),
        ("bomb.webp", 16_000, "too many pixels"),
        ("fine.png", 2_000, "2000"),
        ("large.png", 9_000, "out of memory"),  # within max_pixels, so decoded: the limit of this test works
    ],
)
def test_refused_without_decoding(tmp_path: Path, root: Path, name: str, side: int, found: str) -> None:
    import random

    rng = random.Random(1)
    makers = {
        ".png": lambda: gray(side),
        ".jpg": lambda: jpeg_of(side, side, rng),
        ".webp": lambda: webp_of(side, side),
    }
    (tmp_path / name).write_bytes(makers[Path(name).suffix]())
    (tmp_path / "small.png").write_bytes(gray(64))
    command = [sys.executable, "-c", DECODE, str(tmp_path / name), str(tmp_path / "small.png"), str(ALLOWED)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == found
