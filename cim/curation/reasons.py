"""Why a pair is dropped, beside what is wrong with an image or a caption as it is read."""

from enum import StrEnum


class Drop(StrEnum):
    """The values of `reason` in tables and of `dropped` in summaries, beside those of `cim.images.checks.Reason`."""

    TOO_FEW_WORDS = "too few words"
    TOO_MANY_WORDS = "too many words"
    REPETITION = "repetition"
    SCRIPT = "other script"
    LANGUAGE = "not English"
    BOILERPLATE = "boilerplate"
    EMAIL = "e-mail address"
    PHONE = "phone number"
    REPEATED_TEXT = "text of many images"
    DUPLICATE = "near-duplicate image"
    NSFW = "not safe for work"
    UNSCORED = "no score"
    LOW_SCORE = "low score"
