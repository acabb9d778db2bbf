"""The command line of every flow: --params, --help made from the parameter types, plain errors."""

import argparse
import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from prefect import Flow

from cim.command import plain_exit
from cim.errors import CimError
from cim.params import Params
from cim.params.base import Section
from cim.params.load import load_section
from cim.trouble import machine_trouble
from flows.events import recorded
from flows.help import describe, field_line, models_in
from flows.interrupt import interruptible
from flows.links import check_links
from flows.server import check_server, start_server

OPTIONS = {
    "rank": ("--rank", "which of several workers at once this is, from 0; it begins with its share of the shards"),
    "world": ("--world", "how many workers there are"),
}
"""Parameters of flows that are numbers of a command."""


def main(
    flow_function: Callable[..., Any], section: str, arguments: list[str] | None = None, whole: type[Section] = Params
) -> Any:
    """Run `flow_function(params_path=...)` as a command for the params section `section`.

    A further parameter of the flow with a Literal type becomes an argument (`python -m flows.models image`),
    one that may be left out if it has a default; those of OPTIONS are options. The whole of the params file, as the
    type `whole` describes it, is checked before the flow starts.
    A CimError is printed to stderr without a traceback and ends the process with code 1; anything else is a bug, but
    for a reader of stdout that is gone. SIGINT and SIGTERM end it at once, see `interruptible`.
    """
    options = vars(parser_for(flow_function, section, whole).parse_args(arguments))
    params = options.pop("params")
    leave_user_errors_to_main()
    step = " ".join([f"flows.{section}", *(str(value) for value in options.values() if isinstance(value, str))])
    with plain_exit(section), recorded(step):
        load_section(params, whole)
        if whole is Params:
            check_links()
        check_server()
        return interruptible(lambda: _run(flow_function, params_path=str(params), **options))


def _run(flow_function: Callable[..., Any], **options: Any) -> Any:
    if isinstance(flow_function, Flow):
        start_server()
    return flow_function(**options)


def parser_for(
    flow_function: Callable[..., Any], section: str, whole: type[Section] = Params
) -> argparse.ArgumentParser:
    """The parser of one flow; its help lists the parameters of `section` and of `runtime`, all of another `whole`."""
    function = getattr(flow_function, "fn", flow_function)
    shown = (section, "language", "runtime") if whole is Params else tuple(whole.model_fields)
    parser = argparse.ArgumentParser(
        prog=f"python -m flows.{section}",
        description=inspect.getdoc(function),
        epilog="\n\n".join(_section_help(whole, name) for name in shown if name in whole.model_fields),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    given = inspect.signature(function, eval_str=True).parameters
    default_file = Path(given["params_path"].default)
    parser.add_argument("--params", type=Path, default=default_file, help="YAML file (default: %(default)s)")
    for name, parameter in given.items():
        if name != "params_path" and (choices := _choices(parameter.annotation)):
            needed = parameter.default is parameter.empty
            default = {} if needed else {"nargs": "?", "default": parameter.default}
            parser.add_argument(name, choices=choices, **default)
        elif name in OPTIONS:
            option, meaning = OPTIONS[name]
            parser.add_argument(option, type=int, default=parameter.default, help=f"{meaning} (default: %(default)s)")
    return parser


def _choices(annotation: Any) -> list[str]:
    """The texts of a Literal, also of one that is part of a union."""
    return [text for part in get_args(annotation) for text in ([part] if isinstance(part, str) else _choices(part))]


def _section_help(whole: type[Section], name: str) -> str:
    field = whole.model_fields[name]
    if not (models := models_in(field.annotation)):
        return f"a parameter of its own:\n  {field_line(name, field)}"
    return f"parameters in {name}:\n" + "\n".join(describe(models[0]))


def leave_user_errors_to_main() -> None:
    """Drop Prefect's own log records (tracebacks) of errors that `main` ends with in plain words, or in silence."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_is_no_user_error)


def _is_no_user_error(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return error is None or not (isinstance(error, CimError | BrokenPipeError) or machine_trouble(error))
