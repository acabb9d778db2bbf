"""A set of three images in the published files' form."""

import json
from pathlib import Path
from typing import Any

import pytest

REFERENCES = {
    "1": "A brown dog sits on an old sofa.",
    "2": "A white boat is on the blue lake.",
    "3": "Two red cars are parked in front of a brick house.",
}
OBJECTS = {"1": ["dog", "sofa", "lamp"], "2": ["boat", "lake", "sky"], "3": ["car", "house", "tree"]}
ATTRIBUTES = {
    "1": {"dog": ["brown", "sitting"], "sofa": ["old"], "lamp": ["lit"]},
    "2": {"boat": ["white"], "lake": ["blue"], "sky": ["clear"]},
    "3": {"car": ["red", "parked"], "house": ["brick"], "tree": ["tall"]},
}
QUESTIONS = {
    "1": {"Is there a dog?": "Yes", "Is the sofa new?": "No"},
    "2": {"Is there a boat?": "Yes", "What is it?": "A boat"},
    "3": {"Are there cars?": "Yes", "Is the house wooden?": "No"},
}


def write_set(folder: Path, **replaced: Any) -> Path:
    """The files of "cocoln500" in `folder`; a keyword replaces one of references, objects, attributes, questions."""
    parts = {"references": REFERENCES, "objects": OBJECTS, "attributes": ATTRIBUTES, "questions": QUESTIONS} | replaced
    lines = [json.dumps({image: names}) for image, names in parts["objects"].items()]
    (folder / "test_cocoln_500_gt.json").write_text(json.dumps(parts["references"]))
    (folder / "cocoln500_gpt_objects.jsonl").write_text("\n".join(lines))
    (folder / "cocoln500_gpt_attributes.json").write_text(json.dumps(parts["attributes"]))
    (folder / "questions_cocoln500.json").write_text(json.dumps(parts["questions"]))
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with the small set."""
    folder = tmp_path / "set"
    folder.mkdir()
    return write_set(folder)
