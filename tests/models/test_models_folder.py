"""What a model folder states of itself."""

from pathlib import Path

import pytest

from cim.models.folder import stated_license


@pytest.mark.parametrize(
    ("card", "license"),
    [
        ("---\nlicense: apache-2.0\n---\n# Model", "apache-2.0"),
        ("---\r\nlicense: other\r\nlicense_name: qwen-research\r\n---\r\n", "qwen-research"),
        ("---\nlicense: [mit, gpl]\n---\n", None),
        ("---\ntags: [a]\n---\n", None),
        ("---\nlicense: !!python/object:os.system x\n---\n", None),
        ("---\n- a list\n---\n", None),
        ("---\nlicense: 'cut", None),
        ("license: mit", None),
    ],
)
def test_the_licence_of_its_card(card: str, license: str | None, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(card)
    assert stated_license(tmp_path) == license


def test_no_card_and_one_that_is_no_text(tmp_path: Path) -> None:
    assert stated_license(tmp_path) is None
    (tmp_path / "README.md").write_bytes(b"---\nlicense: \xff\n---\n")
    assert stated_license(tmp_path) is None
