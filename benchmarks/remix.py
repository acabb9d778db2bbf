"""What `flows.remix` makes of 3,000 samples under `kill -9`: `python -m benchmarks.remix [--kills 20] [--write FILE]`.

Shards of generated scenes with three texts each, mixed once undisturbed, then again and again by processes that get
`kill -9` at random moments. The texts are judged by the sentences that they were put together from and by open_clip's
tokenizer, and read back by webdataset, datasets and open_clip's training loader.
"""

import argparse
import inspect
import json
import math
import os
import random
import signal
import tempfile
import time
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flows.mixing
import flows.remix
from benchmarks.common.document import replace_between
from cim.captions.tar import Recaptioned, sample_key, write_pairs
from cim.params.sources import ScenesSource
from cim.params.yaml import dump_yaml
from cim.readers.open import numbered, open_source
from cim.sentences import join_sentences

TXT: list[dict[str, Any]] = [
    {"text": "original", "share": 0.3},
    {"text": "short", "share": 0.2},
    {"text": "detailed", "share": 0.3},
    {"text": "detailed", "share": 0.2, "sentences": 1},
]
MOST = 77
Sentences = dict[str, dict[str, list[str]]]
"""By key and text, what it was put together from."""


def make(folder: Path, count: int, size: int) -> Sentences:
    """Finished shards with `count` samples. Every 20th has no old text; every 25th begins its detailed text with a
    sentence of more than 77 tokens."""
    source = ScenesSource(kind="scenes", count=count, seed=901, detail=0.9, captions=5)
    told: Sentences = {}
    folder.mkdir()
    for stem, part in numbered(open_source(source, size)).items():
        samples = []
        for at, item in enumerate(part.here(folder / "copy").items()):
            key = sample_key(int(stem), at)
            whole = [f"{one[0].upper()}{one[1:].rstrip('.')}." for one in item.captions]
            if at % 25 == 7:
                whole[0] = f"It shows {'a red star and ' * 25}a blue square."
            old = [f"IMG {at} image.jpg"] if at % 20 else []
            told[key] = {"original": old, "short": whole[-1:], "detailed": whole}
            texts = {name: join_sentences(several) for name, several in told[key].items()}
            story = {
                "key": key,
                "caption": texts["short"],
                "alt_text": texts["original"],
                "texts": texts,
                "recaption": {},
            }
            assert item.image is not None
            samples.append(Recaptioned(key, item.image, item.suffix, texts["short"], story))
        write_pairs(folder / f"{stem}.tar", samples)
    return told


def mix(params: Path, output: Path) -> None:
    """The flow, its shards in turn in this process, without Prefect's server."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    flows.mixing.map_shards = lambda task, jobs, *_: [task.fn(job) for job in jobs]  # type: ignore[assignment]
    flows.remix.remix.fn(str(params), {"remix.output": str(output)})


def mixed_while_killed(params: Path, root: Path, kills: int, dice: random.Random) -> list[Path]:
    """The output of an undisturbed run, and those that were made while `kills` processes were killed."""
    forks, outputs, made = get_context("fork"), [root / "undisturbed"], 0
    start = time.perf_counter()
    _ended(forks.Process(target=mix, args=(params, outputs[0])), None)
    seconds = time.perf_counter() - start
    while made < kills:
        outputs.append(root / f"killed-{len(outputs)}")
        while True:
            after = dice.uniform(0.02, seconds / 3) if made < kills else None
            if not _ended(forks.Process(target=mix, args=(params, outputs[-1])), after):
                break
            made += 1
    return outputs


def _ended(process: Any, after: float | None) -> bool:
    """Whether it was killed, `after` seconds from its start on; None: it is left alone. Raises where it failed."""
    process.start()
    process.join(after)
    if process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        return True
    assert process.exitcode == 0, process.exitcode
    return False


def contents(out: Path) -> dict[str, bytes]:
    """Every file, hidden ones too."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def by_webdataset(out: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """Text and JSON by key."""
    import webdataset

    found = {}
    for tar in sorted(out.glob("*.tar")):
        for one in webdataset.WebDataset(str(tar), shardshuffle=False):
            found[one["__key__"]] = one["txt"].decode(), json.loads(one["json"])
    return found


def by_datasets(out: Path, cache: Path) -> dict[str, str]:
    """Text by key, offline."""
    import datasets

    files = {"train": str(out / "*.tar")}
    rows = datasets.load_dataset("webdataset", data_files=files, split="train", cache_dir=str(cache))
    return {one["__key__"]: one["txt"] for one in rows.remove_columns("png")}


def by_open_clip(out: Path, count: int) -> list[str]:
    """Texts as its training loader hands them to its tokenizer, in its order."""
    import open_clip_train.data

    if "eof_value" in inspect.signature(open_clip_train.data.tar_file_expander).parameters:  # webdataset issue 384
        expander = partial(open_clip_train.data.tar_file_expander, eof_value=None)
        open_clip_train.data.tar_file_expander = expander
    shards = f"{out}/{{00000..{len(list(out.glob('*.tar'))) - 1:05d}}}.tar"
    options = SimpleNamespace(
        train_data=shards, train_num_samples=count, train_data_upsampling_factors=None, dataset_resampled=False, seed=0,
        batch_size=math.gcd(count, 100), workers=0, world_size=1,
    )  # fmt: skip
    data = open_clip_train.data.get_wds_dataset(options, lambda image: 0, True, tokenizer=lambda text: [text])
    return [text for _, texts in data.dataloader for text in texts]


def table(out: Path, told: Sentences, cache: Path) -> list[str]:
    """Lines of Markdown: what is written, by whom it is read."""
    import open_clip

    found, encode = by_webdataset(out), open_clip.get_tokenizer("ViT-B-32").encode
    texts = {key: text for key, (text, _) in found.items()}
    summary = json.loads((out / "summary.json").read_text())
    lines = ["| part | asked for | drawn first | given |", "|---|---|---|---|"]
    for label, one in summary["parts"].items():
        shares = [f"{one[name] / len(found):.1%}" for name in ("drawn", "given")]
        lines.append(f"| `{label}` | {one['share']:.0%} | {' | '.join(shares)} |")
    whole = sum(_whole(text, told[key][facts["mix"]["part"].partition("/")[0]]) for key, (text, facts) in found.items())
    longest = max(len(encode(text)) + 2 for text in texts.values())
    passed = ", ".join(f"{what} {count}" for what, count in summary["passed"].items())
    read = by_datasets(out, cache) == texts, sorted(by_open_clip(out, len(texts))) == sorted(texts.values())
    return [
        *lines,
        "",
        f"- {summary['images']:,} samples in, {summary['captions']:,} out, {summary['rejects']} rejects; another part"
        f" given: {passed}",
        f"- longest text: {longest} tokens of open_clip's tokenizer, of {MOST}; {summary['cut']} texts cut",
        f"- texts that are whole sentences of their source, in its order: {whole:,} of {len(found):,}",
        f"- read by webdataset {len(found):,}; the same by datasets: {read[0]}; by open_clip's loader: {read[1]}",
    ]


def _whole(text: str, source: list[str]) -> bool:
    """Whether it is some of these sentences in their order, each whole."""
    for one in source:
        if text.startswith(one):
            text = text[len(one) :].lstrip()
    return not text


def main() -> None:
    """Print the lines, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=3000, help="samples")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument(
        "--write", type=Path, help="Markdown file with the markers <!-- remix --> and <!-- end remix -->"
    )
    options = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        told = make(root / "in", options.count, 250)
        params = root / "remix.yaml"
        section = {"shards": str(root / "in/*.tar"), "output": "", "texts": {"txt": TXT}}
        params.write_text(dump_yaml({"remix": section}))
        dice = random.Random(options.seed)
        outputs = mixed_while_killed(params, root, options.kills, dice)
        first, *others = [contents(out) for out in outputs]
        same = sum(one == first for one in others)
        lines = table(outputs[0], told, root / "cache")
        lines += [
            f"- {options.kills} times `kill -9`: {same} of {len(others)} outputs have the same bytes as the undisturbed"
            f" one ({len(first)} files)"
        ]
        print("\n".join(lines))
        if options.write:
            replace_between(options.write, "remix", "\n".join(lines))


if __name__ == "__main__":
    main()
