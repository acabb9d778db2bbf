"""What pycocoevalcap makes of the everyday captions; as a command, writes it to coco_scores.json (needs Java)."""

import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_suffix(".json")
Pairs = tuple[list[str], list[list[str]]]


def paired(pictures: list[list[str]]) -> Pairs:
    """A hundred captions, each against the others of its picture; one is a reference, one is blank, one is strange."""
    captions = [text for texts in pictures for text in texts]
    references = [[one for one in texts if one != text] for texts in pictures for text in texts]
    captions[3], captions[4], captions[5] = references[3][0], "", references[90][0]
    return captions, references


def published(captions: list[str], references: list[list[str]]) -> dict[str, Any]:
    """By name: the corpus score and one a caption; "tokens": of captions and references, by the Java tokenizer."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    tokenizer = PTBTokenizer()
    said = tokenizer.tokenize({i: [{"caption": text}] for i, text in enumerate(captions)})
    truths = tokenizer.tokenize({i: [{"caption": text} for text in texts] for i, texts in enumerate(references)})
    whole, single = Bleu(4).compute_score(truths, said, verbose=0)
    tokens = [[said[i][0], *truths[i]] for i in range(len(captions))]
    return {
        "pycocoevalcap": version("pycocoevalcap"),
        "tokens": tokens,
        "bleu_4": _scores(whole[3], single[3]),
        "rouge_l": _scores(*Rouge().compute_score(truths, said)),
        "cider_d": _scores(*Cider().compute_score(truths, said)),
    }


def published_meteor(tokens: list[list[str]]) -> dict[str, Any]:
    """METEOR of captions and references as `published` splits them; Java takes 8 s to begin."""
    from pycocoevalcap.meteor.meteor import Meteor

    truths, said = {i: texts[1:] for i, texts in enumerate(tokens)}, {i: texts[:1] for i, texts in enumerate(tokens)}
    return _scores(*Meteor().compute_score(truths, said))


def _scores(whole: float, single: Iterable[float]) -> dict[str, Any]:
    return {"whole": float(whole), "single": list(map(float, single))}


if __name__ == "__main__":
    from everyday import everyday

    found = published(*paired(everyday()))
    FILE.write_text(json.dumps(found | {"meteor": published_meteor(found["tokens"])}) + "\n")
