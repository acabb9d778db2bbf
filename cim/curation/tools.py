"""What a corpus is measured with, named by paths so that it can be sent to another process, and opened there."""

from dataclasses import dataclass
from pathlib import Path

from cim.curation.classifier import classifier_identity, open_classifier
from cim.curation.encoders import Encoders
from cim.curation.measure import Tools
from cim.encoders.card import EncoderCard
from cim.fingerprint import fingerprint
from cim.layout import Layout
from cim.params.curate import CimScored, Curate
from cim.params.runtime import Runtime
from cim.rewards.pictures import ScoreSpec


@dataclass(frozen=True)
class ToolSpec:
    """Folders of encoders, whose CIM score, which classifier."""

    encoders: tuple[Path, ...]
    cim: ScoreSpec | None
    nsfw: str | None
    batch_size: int

    @classmethod
    def of(cls, params: Curate) -> "ToolSpec":
        score = params.score if isinstance(params.score, CimScored) else None
        return cls(
            tuple(Path(folder).expanduser() for folder in params.encoders),
            None if score is None else ScoreSpec(Layout(Path(score.workspace)), score.reward),
            None if params.nsfw is None else params.nsfw.classifier,
            params.batch_size,
        )

    def fingerprint(self) -> str:
        """Of what decides what is measured. Raises CimError for a folder without encoder, and for no classifier."""
        encoders = [EncoderCard.read(folder).fingerprint for folder in self.encoders]
        nsfw = None if self.nsfw is None else classifier_identity(self.nsfw)
        return fingerprint("tools", encoders, None if self.cim is None else self.cim.fingerprint(), nsfw)

    def open(self, runtime: Runtime) -> Tools:
        """Loads the models. Raises CimError where one does not load."""
        import torch

        from cim.encoders.load import load_clip
        from cim.rewards.pictures import CimScore

        torch.set_num_threads(runtime.torch_threads)
        return Tools(
            Encoders([load_clip(folder, runtime.device) for folder in self.encoders]),
            None if self.nsfw is None else open_classifier(self.nsfw),
            None if self.cim is None else CimScore.open(self.cim, runtime.device),
            self.batch_size,
            runtime.decoders,
        )
