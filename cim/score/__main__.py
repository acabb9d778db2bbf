"""What captions earn and retrieve, by tune.reward in params.yaml.

python -m cim.score --id 00c1de... --caption "a red ball on a lawn"
python -m cim.score --image photo.jpg --caption "a red ball on a lawn" --html ball.html
python -m cim.score --jsonl captions.jsonl --set tune.reward.space=clip --set tune.reward.k=5
    # lines {"id" or "image": ..., "caption": ...}
"""

import argparse
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cim.command import check_writable, plain_exit
from cim.errors import CimError
from cim.languages.known import language_of
from cim.layout import Layout
from cim.params import Params
from cim.params.load import load_section
from cim.params.yaml import parse_yaml
from cim.score.requests import InvalidRequest, Request, check_text, read_jsonl


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was asked for; ends with code 1 when no caption at all could be read. Unscorable ones can be."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.jsonl is None) == (options.caption is None):
        parser.error("--caption goes with --id or --image, and not with --jsonl")
    with plain_exit("score"):
        params = load_section(options.params, Params, dict(map(_override, options.set)))
        for option in ("id", "caption", "prompt"):
            check_text(f"--{option}", getattr(options, option) or "")
        prompt = params.caption.prompts[0] if options.prompt is None else options.prompt
        if options.jsonl is None:
            requests: Iterable[Request | InvalidRequest] = [
                Request(options.caption, options.id, options.image, prompt=prompt)
            ]
        else:
            requests = read_jsonl(options.jsonl, prompt)
        if options.html is not None:
            check_writable("--html", options.html)
        _run(requests, params, Layout(options.data), options.html)


def _run(requests: Iterable[Request | InvalidRequest], params: Params, layout: Layout, html: Path | None) -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads make a shared machine crawl
    import torch

    from cim.report.pictures import Splits
    from cim.rewards.open import open_image_encoder
    from cim.rewards.pictures import lazy_encoder
    from cim.rewards.retriever import Retriever
    from cim.rewards.terms.build import OpenTerms
    from cim.rewards.terms.workspace import Workspace
    from cim.score.page import MOST
    from cim.score.run import Result, batches, retrieved
    from cim.score.show import Summary, block

    torch.set_num_threads(params.runtime.torch_threads)
    device = params.runtime.device
    language, threads = language_of(params.language), params.runtime.search_threads
    retriever = Retriever.open(layout, params.tune.reward, device, params.index, threads, language)
    terms = OpenTerms.of(params.tune.reward.terms, Workspace(layout, device, language, retriever.text_tower))
    gallery = Splits.indexed(layout)
    encode = lazy_encoder(lambda: open_image_encoder(layout, device))
    summary = Summary()
    kept: list[Result | InvalidRequest] = []
    for batch in batches(requests, retriever, encode, terms):
        captions = gallery.captions(retrieved(batch))
        for one in batch:
            summary.add(one)
            if not (isinstance(one, InvalidRequest) and one.line is None):  # a typed one: said below
                print(block(one, captions, params.tune.reward.space), end="\n\n")
        if html is not None:
            kept += batch[: MOST - len(kept)]
    if not summary.read:
        raise CimError(
            f"nothing to score: {summary.first_bad or 'no line'}",
            "a caption of an embedded sample or of an image file",
            "give another --id or --image, or mend the lines of --jsonl",
        )
    if summary.read + summary.bad > 1:
        print(summary)
    if html is not None:
        from cim.atomic import write_bytes
        from cim.score.page import build, render

        write_bytes(html, render(build(kept, params.tune.reward, gallery, summary)).encode())
        print(f"Page: {html.resolve()}")


def _override(text: str) -> tuple[str, Any]:
    """A parameter's dotted name and its value, read as YAML."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise CimError(f"--set {text}", "NAME=VALUE with the value as in YAML", "for example tune.reward.space=clip")
    return name, parse_yaml(value, f"--set {text}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cim.score", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--id", help="of an embedded sample")
    what.add_argument("--image", type=Path, help="any JPEG, PNG or WebP file")
    what.add_argument("--jsonl", type=Path, help="a file of captions; image paths start at its folder")
    parser.add_argument("--caption", help="of --id or --image")
    parser.add_argument("--html", type=Path, help="write a page with the pictures here")
    parser.add_argument("--prompt", help="what was asked (default: the first of caption.prompts)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter in place of the file's, such as tune.reward.space=clip; may be given again",
    )
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="(default: %(default)s)")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of artefacts (default: %(default)s)")
    return parser


if __name__ == "__main__":
    main()
