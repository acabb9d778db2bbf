"""What one run of GRPO depends on, and whether all that it leaves is there."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cim.atomic import done_facts
from cim.captioners.load import captioner_fingerprint
from cim.errors import CimError
from cim.fingerprint import code_of, fingerprint
from cim.index.depth import CAPTIONS, PARTS
from cim.languages.known import language_of
from cim.layout import Layout
from cim.params import Index, Tune
from cim.params.runtime import Ranks

CURVES, ALARMS, SUMMARY = "curves.csv", "alarms.json", "summary.json"


@dataclass(frozen=True)
class TuneJob:
    """Everything one run depends on besides data/. device, threads, ranks: how it runs, not what it makes.

    index: what data/index must have been built with; its meta.json is in the fingerprint. reward_device: of the
    encoders, auto for `device`. ranks: processes that train together. language: of the captions, its code.
    """

    layout: Layout
    params: Tune
    prompts: tuple[str, ...]
    device: Literal["auto", "cpu", "cuda"]
    torch_threads: int
    trust_remote_code: bool
    index: Index | None = None
    reward_device: Literal["auto", "cpu", "cuda"] = "auto"
    search_threads: int | None = None
    ranks: Ranks = field(default_factory=Ranks)
    language: str = "en"

    def __str__(self) -> str:
        return "the captioner"

    @property
    def encoders_on(self) -> Literal["auto", "cpu", "cuda"]:
        """The device of what scores captions."""
        return self.device if self.reward_device == "auto" else self.reward_device

    @property
    def checkpoints(self) -> Path:
        """Of a training that is not finished, in a folder named by its fingerprint."""
        return self.layout.tuned.parent / "checkpoints"

    @property
    def scratch(self) -> Path:
        """Checkpoints of this training by these ranks: another number of them has other optimizer shards and seeds."""
        ranks = "" if self.ranks.size == 1 else f"-{self.ranks.strategy}-{self.ranks.size}"
        return self.checkpoints / f"{self.training()}{ranks}"

    @property
    def error(self) -> Path:
        """Where a rank leaves what a user can mend."""
        return self.layout.tuned.parent / ".error.json"

    def parameters(self) -> dict[str, Any]:
        """Those that training depends on."""
        return self.params.model_dump(mode="json", exclude={"interpolation", "report_to"})

    def searched(self) -> list[str]:
        """Parts of the index that the reward takes: what is searched, and what no copy may be of."""
        return sorted({CAPTIONS, *PARTS[self.params.reward.space]})

    def training(self) -> str:
        """Fingerprint of what the training depends on: code, base model, reward, images, and all parameters but two.

        The meta.json know the code of index and encoders. Raises CimError for a file of a term's that is missing.
        """
        layout, further = self.layout, self.params.reward.terms.files()
        if lacking := [path for path in further if not path.exists()]:
            raise CimError(f"no {lacking[0]}", "what tune.reward.terms names", "mend its path there")
        return fingerprint(
            code_of("cim.tuning.run"),
            captioner_fingerprint(layout.model("captioner")),
            *(layout.index(part) / "meta.json" for part in ("items", *self.searched())),
            layout.shards("train") / "manifest.parquet",
            layout.shards("validation") / "manifest.parquet",
            self.parameters(),
            list(self.prompts),
            *further,
            *([] if (spoken := language_of(self.language).code) == "en" else [{"language": spoken}]),
        )

    def fingerprint(self) -> str:
        """Of the tuned captioner: the training, and how far to go to its weights."""
        return fingerprint(self.training(), self.params.interpolation)

    def done(self) -> dict[str, Any] | None:
        """The facts of an earlier run if all that it leaves is there, made from this, else None."""
        if not all((self.layout.tuned.parent / name).is_file() for name in (CURVES, ALARMS, SUMMARY)):
            return None
        if done_facts(self.layout.trained, self.training()) is None:
            return None
        return done_facts(self.layout.tuned, self.fingerprint())
