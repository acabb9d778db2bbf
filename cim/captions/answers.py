"""What came of samples, by one prompt, until it is journalled: captions, and why there is none."""

from dataclasses import dataclass, field

from cim.captioners.decoding import Generated
from cim.captions.progress import ShardProgress
from cim.captions.questions import NO_QUESTION
from cim.captions.windows import Picture
from cim.images.checks import first_line
from cim.params.texts import columns_of
from cim.records import Caption, Reject

REFUSED, NO_CAPTION = "refused by the captioner", "no caption"


@dataclass
class Answers:
    """By place in the part."""

    captions: dict[int, Caption] = field(default_factory=dict)
    rejects: dict[int, Reject] = field(default_factory=dict)

    def note(self, picture: Picture, found: Generated | ValueError, shortest: int) -> None:
        """A caption; a reject where it was refused, or has fewer than `shortest` characters."""
        if isinstance(found, ValueError):
            self.rejects[picture.at] = Reject(picture.name, REFUSED, first_line(found))
        elif found.finish_reason == "error" or len(found.text.strip()) < shortest:
            detail = found.text.strip()[:200] or "the captioner wrote nothing"
            self.rejects[picture.at] = Reject(picture.name, NO_CAPTION, detail)
        else:
            self.captions[picture.at] = caption_of(picture, found)

    def lacking(self, picture: Picture, prompt: str) -> None:
        """It has no text for the {names} of `prompt`."""
        self.rejects[picture.at] = Reject(picture.name, NO_QUESTION, ", ".join(columns_of(prompt)))

    def journal(self, progress: ShardProgress) -> int:
        """Keep all at once; nothing is left then. Tokens of the captions."""
        if not self.captions and not self.rejects:
            return 0
        tokens = sum(one.tokens for one in self.captions.values())
        progress.add(self.captions, self.rejects)
        self.captions.clear()
        self.rejects.clear()
        return tokens


def caption_of(picture: Picture, one: Generated) -> Caption:
    """What is kept of a caption and its sample."""
    width, height = picture.size
    return Caption(
        id=picture.id, caption=one.text, finish_reason=one.finish_reason, tokens=one.tokens, tokens_in=one.tokens_in,
        candidates=tuple(one.candidates), scores=tuple(one.scores), cut=one.cut, at=picture.at,
        source_key=picture.name, alt_text=picture.text, suffix=picture.suffix, width=width, height=height,
    )  # fmt: skip
