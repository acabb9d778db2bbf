"""Broken and hostile tars: what comes before the break is used, the rest is said, nothing hangs or fills the memory."""

import gzip
import io
import random
import tarfile
from pathlib import Path

import pytest
from corpus_files import plan
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from malformed_images import encoded, picture

from cim.readers.base import Item
from cim.readers.files import MAX_BYTES, MAX_TEXT
from cim.readers.webdataset import TarPart, sample_count

RNG = random.Random(3)
IMAGES = [encoded(picture(RNG), "PNG") for _ in range(3)]
BLOCK = 512


def tar_of(*members: tuple[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:", format=tarfile.GNU_FORMAT) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


assert all(len(image) <= BLOCK for image in IMAGES)
# Headers at 0, 1024 and 2048, one block of content each, zeros from 3072 to 10240.
WHOLE = tar_of(*((f"{number}.png", image) for number, image in enumerate(IMAGES)))


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE, content: bytes = b"") -> bytes:
    """A member that declares `size`, whatever its content. Negative sizes are written in base 256."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, abs(size)
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    if size < 0:
        block[124:136] = (256**12 + size).to_bytes(12, "big")
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + content + bytes(-len(content) % BLOCK)


def pax(**attributes: object) -> bytes:
    """An extended header for the next member."""
    content = b""
    for name, value in attributes.items():
        rest = f" {name.replace('_', '.')}={value}\n"
        content += f"{len(rest) + 2}{rest}".encode()
        assert len(rest) + 2 >= 10
    return header("pax", len(content), tarfile.XHDTYPE, content)


def items(content: bytes) -> list[Item]:
    path = Path("a.tar")
    path.write_bytes(content)
    return list(TarPart(path).items())


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


FIRST, SECOND = WHOLE[:1024], WHOLE[1024:2048]
CASES: dict[str, tuple[bytes, int, str, str]] = {  # a tar, how many images are used, reason, detail
    "cut in the third header": (WHOLE[:2200], 2, "broken tar", "at byte 2048, behind 1"),
    "cut in the third image": (WHOLE[: 2560 + 40], 2, "broken tar", "unexpected end of data"),
    "cut between samples": (WHOLE[:2048], 2, "broken tar", "it breaks off at byte 2048, behind 1"),
    "cut in the first header": (WHOLE[:300], 0, "broken tar", "does not begin as a tar"),
    "third header overwritten": (WHOLE[:2048] + b"x" * 512 + WHOLE[2560:], 2, "broken tar", "no member's header at"),
    "garbage behind": (WHOLE + b"garbage", 3, "broken tar", "more data behind its end, at byte 10240"),
    "two tars glued": (WHOLE + WHOLE, 3, "broken tar", "more data behind its end, at byte 10240"),
    "no byte": (b"", 0, "empty file", ""),
    "text": (b"404 Not Found " * 100, 0, "broken tar", "does not begin as a tar"),
    "gzip cut": (gzip.compress(WHOLE)[:-30], 3, "broken tar", "end-of-stream"),  # in the zeros of its end
    "gzip cut early": (gzip.compress(WHOLE)[:400], 1, "broken tar", "end-of-stream"),
    "gzip with a wrong checksum": (gzip.compress(WHOLE)[:-6] + b"\0" * 6, 3, "broken tar", "CRC"),
    "negative size": (FIRST + header("x.png", -1536) + SECOND, 1, "broken tar", "size -1536"),
    "negative size behind": (FIRST + pax(size=-1024) + SECOND, 1, "broken tar", "has size -1024"),
    "size that is no number": (FIRST + pax(GNU_sparse_map="a,b") + SECOND, 1, "broken tar", "ValueError"),
    "headers in headers": (FIRST + pax(comment="abc") * 3000 + SECOND, 1, "broken tar", "RecursionError"),
    "a name of 10 GB": (FIRST + header("x", 10 * 2**30, tarfile.GNUTYPE_LONGNAME), 1, "broken tar", "size 10737418240"),
    "an image of 10 GB": (FIRST + header("x.png", 10 * 2**30) + SECOND, 1, "broken tar", "unexpected end of data"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_comes_before_the_break_is_used_and_the_rest_said(name: str) -> None:
    content, used, reason, detail = CASES[name]
    found = items(content)
    assert [item.image for item in found if item.problem is None] == IMAGES[:used]
    problem = found[-1].problem
    assert problem is not None
    assert problem[0].value == reason
    assert detail in problem[1]
    assert items(content) == found  # a resumed run counts on it


@pytest.mark.parametrize("whole", [WHOLE, gzip.compress(WHOLE), WHOLE + bytes(5000), WHOLE[:3584]])
def test_whole_ones_have_no_problem(whole: bytes) -> None:
    found = items(whole)
    assert [(item.image, item.problem) for item in found] == [(image, None) for image in IMAGES]


def test_too_large_members_are_refused_unread() -> None:
    (big, broken) = items(header("a.json", MAX_TEXT + 1) + header("b.png", MAX_BYTES + 1))[:2]
    assert big.problem is not None
    assert (big.name, big.problem[0].value) == ("a", "unreadable file")
    assert broken.problem is not None


def test_a_key_that_comes_twice_is_two_samples() -> None:
    found = items(tar_of(("a.png", IMAGES[0]), ("a.png", IMAGES[1]), ("b.png", IMAGES[2]), ("a.png", IMAGES[0])))
    assert [item.image for item in found] == [IMAGES[0], IMAGES[1], IMAGES[2], IMAGES[0]]
    assert not any(item.problem for item in found)


def test_a_sample_that_is_cut_inside_is_not_used() -> None:
    whole = tar_of(("a.png", IMAGES[0]), ("b.png", IMAGES[1]), ("b.txt", b"words" * 200))
    a, broken = items(whole[: 3 * 1024 - 512 + 300])  # the image of b is there, its text is not
    assert (a.name, a.image) == ("a", IMAGES[0])
    assert broken.problem is not None
    assert broken.problem[1] == "after 1 samples: unexpected end of data, behind a"


@pytest.mark.parametrize(("images", "rejects"), [(None, 1), (2, 1), (3, 1), (7, 5), (10**12, 100_000)])
def test_each_sample_lost_with_a_cut_tar_is_a_reject_where_their_number_is_stated(
    images: int | None, rejects: int
) -> None:
    """Two of the three are whole; the third, or what the statement says beyond two, is lost."""
    Path("a.tar").write_bytes(WHOLE[: 2560 + 40])
    found = list(TarPart(Path("a.tar"), images=images).items())
    assert len(found) == 2 + rejects
    details = [item.problem[1] for item in found[2:4] if item.problem]
    assert details[0] == "after 2 samples: unexpected end of data, behind 1"
    assert details[1:] == ([f"lost with it, 2 of {rejects}"] if rejects > 1 else [])
    Path("a.tar").write_bytes(WHOLE)
    assert len(list(TarPart(Path("a.tar"), images=images).items())) == 3


@pytest.mark.parametrize(
    ("text", "count"),
    [('{"count": 9, "successes": 7}', 7), ('{"successes": -1}', None), ('{"successes": true}', None),
     ('{"successes": 1.5}', None), ("[7]", None), ("{", None), ("[" * 100_000, None)],
)  # fmt: skip
def test_what_img2dataset_says_of_a_shard(text: str, count: int | None) -> None:
    Path("00000_stats.json").write_text(text)
    assert sample_count(Path("00000.tar")) == count
    assert sample_count(Path("00001.tar")) is None
    Path("00000.tar").write_bytes(WHOLE)
    ((_, part),) = plan({"kind": "webdataset", "path": "*.tar"}).items()
    assert part.images == count


def test_a_compressed_tar_is_read_once_from_start_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    many = tar_of(*((f"{n:03d}.png", RNG.randbytes(20_000)) for n in range(100)))
    rewound = []
    plain = gzip._GzipReader._rewind  # type: ignore[attr-defined]
    monkeypatch.setattr("gzip._GzipReader._rewind", lambda reader: (rewound.append(1), plain(reader)))
    assert len(items(gzip.compress(many, 1))) == 100
    assert len(rewound) <= 3  # to find the compression, not per sample


def test_an_error_of_the_disk_is_no_broken_tar(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    Path("a.tar").write_bytes(WHOLE)
    monkeypatch.setattr("tarfile.open", fails)
    with pytest.raises(OSError, match="Input/output"):
        list(TarPart(Path("a.tar")).items())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_damage_ends_in_items(data: st.DataObject) -> None:
    content = bytearray(pax(comment="abc") + WHOLE[:3584])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):  # checksums that fit, so that more than the first damage is met
        for at in range(0, len(content), 1024):
            content[at + 148 : at + 156] = b" " * 8
            content[at + 148 : at + 156] = b"%06o\0 " % sum(content[at : at + BLOCK])
    assert len(items(bytes(content))) <= 6
