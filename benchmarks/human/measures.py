"""What is compared with people: the reward's parts in every space, and the field's metrics of the same captions."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.common.vectors import image_vectors
from benchmarks.human.cosines import clip_scores, closest_reference
from benchmarks.human.ratings import Rated
from benchmarks.reward.exclusion import CachedJudge
from cim.embeddings.plan import HELDOUT, IMAGE, TEXT
from cim.encoders.load import load_text_encoder, load_text_tower
from cim.graphs.capture import capture, phrases_of
from cim.graphs.matching import contains_text
from cim.graphs.open import open_matcher, open_parser
from cim.graphs.phrases import Phrases
from cim.layout import Layout
from cim.metrics.overlap import bleu, meteor, meteor_counts, overlap
from cim.params.tune import Reward
from cim.records import IdentityScore
from cim.rewards.retriever import Retriever

Values = npt.NDArray[np.float64]


def reward_parts(layout: Layout, rated: Rated, space: str, ks: Sequence[int]) -> dict[str, Values]:
    """GRC, QIR and the paper's sum of every rated caption for each K; GRC of a single image is 1, so it is left out."""
    found = {}
    for k, scores in identity_scores(layout, rated, space, ks).items():
        for part, name in (("grc", "GRC"), ("qir", "QIR"), ("total", "GRC + QIR")):
            if k > 1 or part == "qir":
                found[f"{space}, K = {k}: {name}"] = np.array([getattr(score, part) for score in scores])
    return found


def identity_scores(layout: Layout, rated: Rated, space: str, ks: Sequence[int]) -> dict[int, list[IdentityScore]]:
    """The reward of every rated caption by K, by the code that training runs."""
    opened = Retriever.open(layout, Reward(space=space, k=max(ks)))  # type: ignore[arg-type]
    remembered = CachedJudge(opened.space)
    found = {}
    for k in ks:
        reward = Reward(space=space, k=k)  # type: ignore[arg-type]
        scores = Retriever(remembered, opened.items, opened.sources, reward).score(rated.captions, rated.photos)
        found[k] = [one for one in scores if one is not None]
        if len(found[k]) != len(rated.captions):
            raise ValueError(f"{len(rated.captions) - len(found[k])} rated captions cannot be scored")
    return found


def field_metrics(layout: Layout, rated: Rated) -> dict[str, Values]:
    """Those without references by every encoder there is, then those with; each caption by itself."""
    found: dict[str, Values] = {}
    for role, by in ((IMAGE, "the reward's encoder"), (HELDOUT, "the judge")):
        if layout.model(role).exists():
            encode = load_text_tower(layout.model(role), "cpu").encode_texts
            scores = clip_scores(encode, image_vectors(layout, role).get(rated.photos), rated)
            found |= {f"{name}, by {by}": values for name, values in scores.items()}
    text = load_text_encoder(layout.model(TEXT), "cpu").encode_texts
    found["closest reference, by the text encoder"] = closest_reference(text, rated)
    return found | overlaps(rated) | {"CAPTURE": captures(layout, rated)}


def overlaps(rated: Rated) -> dict[str, Values]:
    """CIDEr-D, BLEU-4, METEOR and ROUGE-L of each caption by itself; NaN without a reference."""
    counts = overlap(rated.captions, rated.references)
    words = meteor_counts({"rated": rated.captions}, {"rated": rated.references})["rated"]
    return {
        "CIDEr-D": counts["cider_d"][:, 0],
        "BLEU-4": bleu(counts["bleu_4"][:, None]),
        "METEOR": meteor(words[:, None]),
        "ROUGE-L": counts["rouge_l"][:, 0],
    }


def captures(layout: Layout, rated: Rated) -> Values:
    """CAPTURE of each caption as published, the mean over its references; facts by spaCy's rules."""
    texts = list(dict.fromkeys([*rated.captions, *(text for some in rated.references for text in some)]))
    graphs = dict(zip(texts, open_parser("spacy", None, "cpu").parse(texts), strict=True))
    phrases = Phrases(load_text_encoder(layout.model("text"), "cpu").encode_texts)
    phrases.learn(phrase for graph in graphs.values() for phrase in phrases_of(graph))
    matcher = open_matcher(contains_text, phrases)
    return np.array(
        [
            np.mean([capture(graphs[caption], graphs[text], matcher).score for text in references])
            for caption, references in zip(rated.captions, rated.references, strict=True)
        ]
    )
