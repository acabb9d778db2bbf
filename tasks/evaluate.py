"""evaluate: one judge of all captions is one task, writing the report another."""

from typing import Any

from prefect import task

from cim.atomic import read_json, write_bytes, write_json
from cim.errors import CimError
from cim.layout import Layout
from cim.metrics.compare import compare
from cim.metrics.evalset import CAPTIONERS, EvalSet
from cim.params import Params

JUDGES = ("meteor", "retrieval", "reward", "references")  # METEOR is a process of its own, the others hold a model


@task(name="judge")
def judge(part: str, evaluated: EvalSet, layout: Layout, params: Params) -> Any:
    """What one of JUDGES finds, by captioner: `HeldOut` by the held-out encoder, identity scores, METEOR's counts,
    `ReferenceAgreement`; of the last two, in words why there are none."""
    from cim.metrics.judge import check_embedded, check_held_out, identities, meteor_or_why

    if part == "meteor":
        return meteor_or_why(evaluated, params.evaluate.java, params.spoken)
    if part == "references":
        return _against_references(evaluated, layout, params)
    import torch

    torch.set_num_threads(params.runtime.torch_threads)
    if part == "reward":
        from cim.rewards.retriever import Retriever

        runtime = params.runtime
        retriever = Retriever.open(layout, params.tune.reward, runtime.device, params.index, runtime.search_threads)
        return identities(evaluated, retriever.score)
    from cim.encoders.load import load_clip
    from cim.metrics.heldout import judge_held_out
    from cim.metrics.pool import Pool

    encoder = load_clip(layout.model("heldout"), params.runtime.device)
    (check_embedded if params.evaluate.allow_same_encoder else check_held_out)(layout, encoder.fingerprint)
    asked = params.evaluate
    return judge_held_out(evaluated, Pool.open(layout), encoder.encode_texts, asked.clip_prefix, asked.negatives)


def _against_references(evaluated: EvalSet, layout: Layout, params: Params) -> Any:
    from cim.metrics.references import compare_with_references, compared

    rows = compared(evaluated, params.evaluate.parser, params.spoken)
    if isinstance(rows, str):  # neither spaCy nor an encoder is loaded then
        return rows
    import torch

    torch.set_num_threads(params.runtime.torch_threads)
    from cim.encoders.load import load_text_encoder
    from cim.graphs.open import open_parser
    from cim.graphs.phrases import Phrases

    device = params.runtime.device
    parser = open_parser("t5" if params.evaluate.parser == "t5" else "spacy", params.evaluate.t5, device)
    return compare_with_references(
        evaluated, rows, parser, Phrases(load_text_encoder(layout.model("text"), device).encode_texts)
    )


@task(name="report")
def write_report(layout: Layout, judged: dict[str, Any], evaluated: EvalSet, params: Params) -> dict[str, Any]:
    """Compare, then write images.parquet, plots/*.csv, report.html, headline.json and, last, metrics.json; its
    content.

    judged: what the JUDGES found, by their names.
    """
    from cim.metrics.judge import measure
    from cim.metrics.reading import Reading
    from cim.metrics.yardsticks import known_of
    from cim.report.build import build
    from cim.report.headline import headline_numbers
    from cim.report.html import render
    from cim.report.tables import write_images, write_plots
    from cim.scenes.parse import parse

    measured = measure(
        evaluated,
        judged["retrieval"],
        judged["reward"],
        Reading.of(params.evaluate, params.spoken, parse),
        **{name: judged[name] for name in ("meteor", "references") if name in judged},
    )
    compared = compare(measured["base"], measured["tuned"], params.evaluate, known_of(measured))
    metrics = compared | {"left_out": evaluated.left_out}
    write_images(layout.report / "images.parquet", evaluated.ids, measured)
    write_plots(layout.report / "plots", metrics, {name: measured[name] for name in CAPTIONERS})
    page = render(build(layout, params, evaluated, measured, metrics))
    write_bytes(layout.report / "report.html", page.encode())
    write_json(layout.report / "headline.json", headline_numbers(metrics))
    write_json(layout.report / "metrics.json", metrics)
    return metrics


def print_table(layout: Layout) -> None:
    """Print the before/after table of the last evaluation and where its report is. Raises CimError without one."""
    from cim.report.table import table

    path = layout.report / "metrics.json"
    if not path.is_file():
        raise CimError(f"no {path}", "an evaluation", "dvc repro evaluate")
    print(f"\n{table(read_json(path))}\n\nReport: {(layout.report / 'report.html').resolve()}")
