"""Licences as a dataset card states them: the hub's own identifier where all images have one licence."""

import re
from collections.abc import Mapping
from typing import Any

from cim.provenance import UNKNOWN

_CC = re.compile(r"creativecommons\.org/licenses/([a-z-]+)/(\d\.\d)")
_CC0 = re.compile(r"creativecommons\.org/publicdomain/zero/1\.0")
# Of the hub's list those that images come with: https://huggingface.co/docs/hub/repositories-licenses
HUB = frozenset({
    "apache-2.0", "mit", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0",
    "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "odc-by", "pddl",
})  # fmt: skip


def hub_license(name: str) -> str | None:
    """`cc-by-2.0` for "CC BY 2.0" and for its address; None for what the hub has no name for."""
    text = name.casefold()
    if _CC0.search(text):
        return "cc0-1.0"
    found = f"cc-{place[1]}-{place[2]}" if (place := _CC.search(text)) else re.sub(r"[\s_]+", "-", text.strip())
    return found if found in HUB else None


def license_fields(licenses: Mapping[str, int]) -> dict[str, Any]:
    """Of a card's front matter. licenses: images by licence, with UNKNOWN among them.

    `unknown` where that of any image is: what is said of a dataset is said of all of it.
    """
    known = [name for name, images in licenses.items() if images and name != UNKNOWN]
    if licenses.get(UNKNOWN) or not known:
        return {"license": UNKNOWN}
    names = {hub_license(name) for name in known}
    if len(names) == 1 and (only := names.pop()):
        return {"license": only}
    name = known[0] if len(known) == 1 else f"{len(known)} licences, see the card"
    return {"license": "other", "license_name": name}
