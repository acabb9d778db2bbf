"""From measured captions to everything the page shows."""

from collections.abc import Mapping
from typing import Any

from cim.layout import Layout
from cim.metrics.evalset import EvalSet
from cim.metrics.measurements import Measurements
from cim.params import FittedHeads, FittedText, Models, Params, Reward
from cim.params.yaml import dump_yaml
from cim.report.cards import Card, answers, choose, gain
from cim.report.charts import lengths_chart, recall_chart, training_charts
from cim.report.html import Report
from cim.report.language import language_notes
from cim.report.lineage import alarm_history, chain, lineage, reject_counts
from cim.report.pictures import FOUND, SOURCE, Splits


def build(
    layout: Layout, params: Params, evaluated: EvalSet, measured: Mapping[str, Measurements], metrics: Mapping[str, Any]
) -> Report:
    """The report of one evaluation; reads thumbnails, curves and lineage from `layout`."""
    base, tuned = measured["base"], measured["tuned"]
    gains = [gain(*both) for both in zip(base.identity, tuned.identity, strict=True)]
    chosen = choose(gains, params.evaluate.cards, params.evaluate.seed)
    found = {
        name
        for i in chosen
        for side in (base, tuned)
        if (identity := side.identity[i]) is not None
        for name in identity.ids
    }
    gallery = Splits(layout, params.index.splits)
    captions = gallery.captions(found)
    sources = Splits(layout, ["eval"]).pictures([evaluated.ids[i] for i in chosen], SOURCE)
    said = zip(chosen.items(), answers(base, tuned, chosen, captions), strict=True)
    cards = [
        Card(evaluated.ids[i], sources[evaluated.ids[i]], evaluated.references[i], why, *both)
        for (i, why), both in said
    ]
    curves = layout.tuned.parent / "curves.csv"
    return Report(
        metrics=metrics,
        training=training_charts(curves) if curves.is_file() else [],
        distributions=[
            lengths_chart({"base": base.lengths, "tuned": tuned.lengths}),
            recall_chart({"base": base.ranks, "tuned": tuned.ranks}),
        ],
        cards=cards,
        thumbnails=gallery.pictures(found, FOUND),
        lineage=lineage(layout),
        chain=chain(layout),
        params=dump_yaml(params.model_dump(mode="json", exclude={"runtime"})),
        rejects=reject_counts(layout.rejects),
        watched=alarm_history(layout.tuned.parent / "alarms.json"),
        notes=_notes(evaluated, params, len(cards), metrics["unjudged"]),
    )


def formula(reward: Reward) -> str:
    """The reward in a line, as these parameters make it."""
    grc = "GRC" if reward.alpha == 1 else f"{reward.alpha:g} x GRC"
    qir = "QIR" if reward.qir == "sum" else "mean QIR"
    return (
        f"Reward = {grc} + {reward.beta:g} x {qir} over {reward.k} retrieved images, decay {reward.decay:g}, "
        f"space {reward.space}, excluded: {reward.exclude}."
    )


def shares_text_model(models: Models) -> bool:
    """Whether the held-out encoder reads captions by the pretrained text model that the reward reads them by."""
    judge, image = models.heldout_encoder, models.image_encoder
    if not isinstance(judge, FittedHeads) or isinstance(judge.text, FittedText):
        return False
    return judge.text == models.text_encoder or (isinstance(image, FittedHeads) and judge.text == image.text)


def _notes(evaluated: EvalSet, params: Params, cards: int, unjudged: int) -> list[str]:
    reward = params.tune.reward
    notes = [
        formula(reward),
        *language_notes(params),
        f"Intervals: {params.evaluate.bootstrap} bootstrap resamples of images, seed {params.evaluate.seed}. They "
        "cover the choice of images, not of training seeds.",
    ]
    if cards < len(evaluated.ids):
        notes.append(
            f"{cards} of {len(evaluated.ids)} images have a card: half by lot (seed {params.evaluate.seed}), the "
            "others with the largest gains and losses of the total reward."
        )
    notes += [
        f"{count} images of the eval split have no caption by the {name} captioner and take no part."
        for name, count in evaluated.left_out.items()
        if count
    ]
    if unjudged:
        notes.append(f"{unjudged} images have no vector by the held-out encoder and take no part in retrieval.")
    if shares_text_model(params.models):
        notes.append("The encoder that judges reads captions by the reward's own text model, which tuning may please.")
    if params.evaluate.allow_same_encoder:
        notes.append("evaluate.allow_same_encoder is set: the encoder that judges may be the one that gave the reward.")
    return notes
