"""Generated scenes, drawn when asked for: the embedded default."""

import random
from collections.abc import Iterator

from cim.params.shard import ScenesSource as ScenesParams
from cim.records import Candidate


class ScenesSource:
    """Scene `index` of a series is always the same picture with the same captions, so nothing is kept."""

    def __init__(self, params: ScenesParams) -> None:
        self.name = f"scenes:{params.seed}"
        self._params = params

    def expected(self) -> int | None:
        return self._params.count

    def scan(self) -> Iterator[Candidate]:
        from cim.scenes.describe import describe
        from cim.scenes.draw import draw
        from cim.scenes.scene import scene_at

        params = self._params
        for index in range(params.count):
            scene = scene_at(params.seed, index, params.near_duplicates)
            said = [
                describe(scene, random.Random(f"{params.seed}-{index}-{i}"), params.detail)
                for i in range(params.captions)
            ]
            yield Candidate(draw(scene, params.side), tuple(said), str(index), {"scene": scene.graph()})

    def fetch(self, locator: str) -> bytes:
        from cim.scenes.draw import draw
        from cim.scenes.scene import scene_at

        return draw(scene_at(self._params.seed, int(locator), self._params.near_duplicates), self._params.side)
