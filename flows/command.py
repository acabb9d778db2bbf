"""The command line of every flow: --params, --help made from the parameter types, plain errors."""

import argparse
import inspect
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from cim.errors import CimError
from cim.params import Params, load_params
from flows.help import describe


def main(flow_function: Callable[..., Any], section: str, arguments: list[str] | None = None) -> Any:
    """Run `flow_function(params_path=...)` as a command for the params section `section`.

    A further parameter of the flow with a Literal type becomes an argument (`python -m flows.models image`),
    one that may be left out if it has a default. The whole of params.yaml is checked before the flow starts.
    A CimError is printed to stderr without a traceback and ends the process with code 1; anything else is a bug.
    """
    options = vars(parser_for(flow_function, section).parse_args(arguments))
    params = options.pop("params")
    _leave_user_errors_to_main()
    try:
        load_params(params)
        return flow_function(params_path=str(params), **options)
    except CimError as error:
        print(f"{section}: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def parser_for(flow_function: Callable[..., Any], section: str) -> argparse.ArgumentParser:
    """The parser of one flow; its help lists the parameters of `section` and of `runtime`."""
    function = getattr(flow_function, "fn", flow_function)
    parser = argparse.ArgumentParser(
        prog=f"python -m flows.{section}",
        description=inspect.getdoc(function),
        epilog="\n\n".join(_section_help(name) for name in (section, "runtime") if name in Params.model_fields),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="YAML file (default: %(default)s)")
    for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
        if name != "params_path":
            needed = parameter.default is parameter.empty
            default = {} if needed else {"nargs": "?", "default": parameter.default}
            parser.add_argument(name, choices=_choices(parameter.annotation), **default)
    return parser


def _choices(annotation: Any) -> list[str]:
    """The texts of a Literal, also of one that is part of a union."""
    return [text for part in get_args(annotation) for text in ([part] if isinstance(part, str) else _choices(part))]


def _section_help(name: str) -> str:
    model = Params.model_fields[name].annotation
    assert isinstance(model, type)
    return f"parameters in {name}:\n" + "\n".join(describe(model))


def _leave_user_errors_to_main() -> None:
    """Drop Prefect's own log records (tracebacks) of errors that `main` prints for the user."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_is_no_user_error)


def _is_no_user_error(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], CimError))
