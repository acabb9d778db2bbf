"""Which of several texts is most like all the others."""

from collections.abc import Sequence

from cim.text import words


def medoid(texts: Sequence[str]) -> int:
    """The place of the text with the highest mean ROUGE-L (Lin 2004; beta 1.2, as COCO takes it) to the others, of
    equal ones the first; words without case and punctuation. Raises ValueError where there is none."""
    from pycocoevalcap.rouge.rouge import Rouge

    if not texts:
        raise ValueError("no text to choose from")
    said, like = [" ".join(words(text)) for text in texts], Rouge().calc_score
    sums = [
        sum(like([one], [other]) for place, other in enumerate(said) if place != own) for own, one in enumerate(said)
    ]
    return sums.index(max(sums))
