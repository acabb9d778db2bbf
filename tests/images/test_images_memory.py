import platform
import subprocess
import sys

import pytest

WORK = """
import sys
from PIL import Image
from cim.images.memory import map_large_blocks
if sys.argv[1] == "mapped":
    map_large_blocks()
large = [bytearray(3 << 20) for _ in range(20)]
large.clear()  # glibc without it: from now on, blocks of up to 3 MiB come from the heap
kept = []
large = []
for _ in range(100):
    large.append(bytearray(3 << 20))
    kept.append(bytearray(100_000))
large.clear()
pages = int(open("/proc/self/statm").read().split()[1])
for _ in range(3):
    Image.new("RGB", (1000, 1000))
print(pages * 4096 >> 20, Image.core.get_stats()["reused_blocks"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heap")
def test_large_blocks_go_back_though_small_ones_stay_among_them() -> None:
    """100 blocks of 3 MiB with 100 kB between: about 10 MiB stay of 310."""

    def resident(how: str) -> tuple[int, int]:
        done = subprocess.run([sys.executable, "-c", WORK, how], check=True, stdout=subprocess.PIPE, text=True)
        size, reused = map(int, done.stdout.split())
        return size, reused

    size, reused = resident("mapped")
    assert size < 60
    assert reused == 2  # Pillow's: the second picture and the third take the pixels of the one before
    if platform.libc_ver()[0] == "glibc":
        size, reused = resident("left alone")
        assert size > 250
        assert reused == 0
