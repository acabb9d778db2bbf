"""Questions about the scenes of a workspace, by sample id."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cim.errors import CimError
from cim.layout import Layout
from cim.scenes.questions import SceneQuestion, questions
from cim.shards.read import read_manifest


@dataclass(frozen=True)
class SceneQuestions:
    """Of every split that is there; read when the first question is asked."""

    layout: Layout

    def __call__(self, name: str) -> Sequence[SceneQuestion]:
        """None for an image that is no generated scene. Raises CimError where there are no scenes at all."""
        extra = self._scenes.get(name)
        return () if extra is None else questions(json.loads(extra)["scene"])

    @cached_property
    def _scenes(self) -> dict[str, str]:
        folders = sorted(path.parent for path in (self.layout.root / "shards").glob("*/manifest.parquet"))
        found = {
            name: extra
            for folder in folders
            for name, extra in read_manifest(folder).select("id", "extra").iter_rows()
            if extra and "scene" in json.loads(extra)
        }
        if not found:
            raise CimError(
                f"no generated scenes in {self.layout.root / 'shards'}",
                "a source of kind scenes",
                "set tune.reward.terms.answers.questions to a file of questions",
            )
        return found
