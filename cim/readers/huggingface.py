"""The files of a Hugging Face dataset directory; its scripts are never run, its pickles never read."""

from pathlib import PurePosixPath
from typing import Any

from cim.errors import CimError
from cim.readers.address import joined, public
from cim.readers.files import read_file, walk
from cim.readers.text import read_facts


def dataset_files(folder: str, split: str | None) -> list[str]:
    """Arrow files of what `save_to_disk` wrote, else the Parquet files below a downloaded dataset, in order.

    split: a folder of a DatasetDict, or how Parquet files begin (`train-00000-of-00002.parquet`).
    Raises CimError when there is none, when an index of rows was left beside the data, or a split must be named.
    """
    names = sorted(walk(folder).files)
    if "dataset_dict.json" in names:
        splits = _json(folder, "dataset_dict.json", "splits")
        if split is None or split not in splits:
            raise CimError(f"splits {splits} in {public(folder)}", f"one of them, found {split!r}", "set split")
        folder, prefix = joined(folder, split), f"{split}/"
        names = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    if "state.json" in names:
        if _json(folder, "state.json", "_indices_data_files"):
            raise CimError(
                f"rows of {public(folder)} chosen by an index", "rows as they lie", "save it again with save_to_disk"
            )
        files = _json(folder, "state.json", "_data_files")
        return [joined(folder, PurePosixPath(str(one["filename"])).name) for one in files]
    tables = [name for name in names if name.endswith(".parquet")]
    if split is not None:
        paths = [(name, PurePosixPath(name)) for name in tables]
        tables = [name for name, path in paths if path.name.startswith(split) or split in path.parts]
    if not tables:
        raise CimError(
            f"neither state.json nor .parquet files of split {split!r} in {public(folder)}",
            "what save_to_disk writes, or a downloaded dataset's Parquet files",
            "convert the dataset with its own tools; its scripts are not run here",
        )
    return [joined(folder, name) for name in tables]


def _json(folder: str, name: str, field: str) -> Any:
    """A field of a JSON file of the dataset, None where it has none."""
    content, problem = read_file(joined(folder, name))
    fields, bad = read_facts(content or b"")
    if bad:
        raise CimError(
            f"{public(joined(folder, name))} can't be read ({problem or bad[1]})",
            "a dataset directory as save_to_disk writes it",
            "copy it again",
        )
    return fields.get(field)
