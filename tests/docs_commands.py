"""Which commands README and docs/ give, what runs each, and why others are run by nobody here."""

import re
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = (
    "accelerate|aws|cd|chown|cp|dmesg|docker|dvc|export|for gpu|git|kill|make|mount|nvidia-smi|pip|prefect|pytest"
    "|python|ray|sed|sha256sum|source|srun|ss|tail|uv|vllm|nsys|ollama|sbatch|kubectl|curl|wget|npm|apt-get|conda"
)

RUN: dict[str, tuple[str, str]] = {
    "cp profiles/": ("tests/flows/test_flows_check.py", "shutil.copy(PROFILES"),
    "dvc add": ("tests/runbook/test_runbook.py", "repo.add("),
    "dvc config --local core.no_scm": ("tests/flows/test_flows_links.py", '"config", "--local", "core.no_scm", "true"'),
    "dvc exp run --queue": ("tests/end_to_end/test_end_to_end_remotes.py", '"exp", "run", "--queue"'),
    "dvc exp run --run-all": ("tests/end_to_end/test_end_to_end_remotes.py", '"exp", "run", "--run-all"'),
    "dvc exp run -S": ("tests/end_to_end/test_end_to_end_remotes.py", '"-S", f"tune.k'),
    "dvc exp show": ("tests/end_to_end/test_end_to_end_remotes.py", '"--only-changed", "--drop"'),
    "dvc metrics show": ("tests/end_to_end/test_end_to_end.py", '"metrics", "show"'),
    "dvc plots diff": ("tests/end_to_end/test_end_to_end_remotes.py", '"plots", "diff"'),
    "dvc pull": ("tests/end_to_end/test_end_to_end_remotes.py", '"pull"'),
    "dvc push": ("tests/end_to_end/test_end_to_end_remotes.py", '"push"'),
    "dvc remote add": ("tests/end_to_end/test_end_to_end_remotes.py", '"remote", "add", "--default"'),
    "dvc repro": ("tests/conftest.py", 'workspace.check("dvc", "repro")'),
    "dvc status": ("flows/stages.py", '"dvc", "status", "--json"'),
    "git add": ("tests/end_to_end/test_end_to_end_remotes.py", 'git(folder, "add", ".")'),
    "make serve": ("tests/serve/served.py", '"-m", "flows.serve"'),
    "make run": ("tests/end_to_end/test_end_to_end.py", 'copied.check("flows.pipeline")'),
    "make test": (".ci/run", "make test"),
    "make env": (".ci/run", "make test"),  # which it begins with
    "pip check": ("Makefile", "pip check"),
    "prefect deploy --all": ("flows/serve.py", '"deploy", "--all"'),  # of tests/serve
    "prefect worker start": ("flows/serve.py", '"worker", "start"'),
    "python -m benchmarks": (
        "tests/benchmarks/test_benchmarks_commands.py",
        '"--help"',
    ),  # starts; its work takes hours
    "python -m cim.detailed.arena": ("tests/detailed/test_detailed_arena.py", "main("),
    "python -m cim.detailed.caparena": ("tests/detailed/test_detailed_caparena.py", "main("),
    "python -m cim.detailed.open_chair": ("tests/detailed/test_detailed_open_chair.py", "main("),
    "python -m cim.detailed.units": ("tests/detailed/test_detailed_units.py", "main("),
    "python -m cim.detailed.captionqa": ("tests/detailed/test_detailed_captionqa.py", "main("),
    "python -m cim.robustness": ("tests/robustness/test_robustness.py", "main("),
    "python -m cim.detailed": ("tests/detailed/test_detailed_command.py", "main("),
    "python -m cim.lineage": ("tests/lineage/test_lineage_command.py", "main("),
    "python -m cim.score": ("tests/score/test_score_end_to_end.py", "main("),
    "python -m flows.check": ("tests/flows/test_flows_check.py", "check("),
    "python -m flows.clean": ("tests/flows/test_flows_clean.py", "main("),
    "python -m flows.cost": ("tests/flows/test_flows_cost.py", "main("),
    "python -m flows.curate": ("tests/curation/curating.py", "flows.curate.curate.fn()"),
    "python -m flows.export": ("tests/export/test_export_end_to_end.py", 'check("flows.export"'),
    "python -m flows.pipeline": ("tests/end_to_end/test_end_to_end.py", 'copied.check("flows.pipeline")'),
    "python -m flows.recaption": ("tests/runbook/failing.py", 'main(recaption, "recaption"'),
    "python -m flows.refine": ("tests/refine/conftest.py", "flows.refine.refine.fn("),
    "python -m flows.remix": ("tests/remix/conftest.py", "flows.remix.remix.fn("),
    "python -m flows.serve": ("tests/serve/served.py", '"-m", "flows.serve"'),
    "python -m flows.status": ("tests/runbook/test_runbook.py", "flows.status.main("),
    "python -m flows.tune": ("tests/resume/test_resume.py", 'copied.check("flows.tune")'),
    "sha256sum": ("tests/test_fingerprint.py", "as_sha256sum_prints_it"),
}
"""What begins so is run by that file, which holds that text."""

NOT_RUN = {
    "a GPU, or another machine": (
        "for gpu in",  # its options are parsed by tests/flows/test_flows_command.py
        "srun python -m flows.recaption",  # the same
        "accelerate launch",
        "ray start",
        "cd /shared/cim-pipeline",
        "export RAY_AUTH_MODE",
        "export PREFECT_HOME",
        "vllm serve",
        "prefect work-pool create",
    ),
    "a network, or packages in no lock": (
        "pip install",
        "aws s3 ls",
        "make env-photos",
        "make env-vllm",
        "make lock",
        "make test-vllm",
        "python -m cim.graphs.compile",
        "python -m open_clip_train.main",
        "python tests/graphs/capture_figures.py",
    ),
    "data that nobody can be asked to have": ("make photos", "pytest tests/"),
    "rights on the machine, or a look at it": ("chown", "dmesg", "mount --bind", "ss -ltnp"),
    "the shell's or git's own, nothing of ours": ("cd data/", "git checkout", "kill", "source", "tail -n"),
    "DVC's own, with nothing of ours in it": ("dvc config cache.type", "dvc plots show"),
    "what tests/serve does through Prefect's client, here through its command line": (
        "prefect automation create",
        "prefect block create",
        "prefect config set",
        "prefect deployment",
        "prefect work-pool set-concurrency-limit",
        'python -c "from flows.recaption import recaption; recaption.serve',
    ),
}
"""By what running it would take: how these commands begin. Modules, options, files and parameters that they name are
held to what is there by tests/test_docs.py all the same."""


def commands(text: str) -> Iterator[str]:
    """All that a page gives to be typed: lines of code blocks, and code within a line; without comments, `$` and
    variables set in front."""
    fences = re.findall(r"^```(?:sh|)\n(.*?)^```", text, re.M | re.S)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    lines = [line for fence in fences for line in fence.splitlines()]
    lines += [line for line in rest.splitlines() if re.match(r" {4,}\S", line)]
    for line in [*lines, *re.findall(r"`([^`\n]+)`", rest)]:
        bare = re.sub(r"\s+#.*", "", line.strip()).removeprefix("$ ")
        bare = re.sub(r"^(?:[A-Z_]+=\S*\s+)+", "", bare)
        if re.match(rf"(?:{PROGRAMS}) +[\w'\"./$<{{*-]", bare) and not re.match(r"kill -9|python -m$|dvc exp$", bare):
            yield bare


def unclassified(text: str) -> list[str]:
    """Commands of a page that neither RUN nor NOT_RUN knows."""
    known = [*RUN, *(start for starts in NOT_RUN.values() for start in starts)]
    return [command for command in commands(text) if not command.startswith(tuple(known))]


def unused(texts: list[str]) -> list[str]:
    """Entries that no page needs any more."""
    given = [command for text in texts for command in commands(text)]
    known = [*RUN, *(start for starts in NOT_RUN.values() for start in starts)]
    return [start for start in known if not any(command.startswith(start) for command in given)]


def stale(root: Path) -> list[str]:
    """Entries of RUN whose file does not hold the text."""
    return [start for start, (file, text) in RUN.items() if text not in (root / file).read_text(encoding="utf-8")]
