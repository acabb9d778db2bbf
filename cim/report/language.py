"""Which language captions are taken for, and what stands aside for it: said once, by name."""

from cim.metrics.knows import metrics_aside
from cim.params import Params
from cim.rewards.guards.build import guards_aside


def language_lines(params: Params) -> list[str]:
    """For a terminal: a line on the language, one for each guard and metric that stands aside."""
    guards = guards_aside(params.tune.reward.guards, params.spoken)
    metrics = metrics_aside(params.spoken, params.evaluate.objects)
    return [
        f"language of captions: {params.language}, {params.spoken.name}",
        *(f"  guard {name} stands aside: {why}" for name, why in guards.items()),
        *(f"  metrics {name} stand aside: {why}" for name, why in metrics.items()),
        *([] if params.spoken.code == "en" else [f"  not checked: whether the encoders know {params.spoken.name}"]),
    ]


def language_notes(params: Params) -> list[str]:
    """For the report; the metrics that stand aside are named beside those that are absent for other reasons."""
    if params.spoken.code == "en":
        return []
    notes = [
        f"Captions are taken for {params.spoken.name} (language: {params.language}). Whether the encoders know it"
        " is not checked."
    ]
    if guards := guards_aside(params.tune.reward.guards, params.spoken):
        notes.append(
            "Guards that stood aside, so that nothing was taken for what they look for: "
            + "; ".join(f"{name} ({why})" for name, why in guards.items())
            + "."
        )
    return notes
