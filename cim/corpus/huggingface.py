"""The files of a Hugging Face dataset directory; its scripts are never run, its pickles never read."""

from pathlib import Path

from cim.atomic import read_json
from cim.errors import CimError


def dataset_files(folder: Path, split: str | None) -> list[Path]:
    """Arrow files of what `save_to_disk` wrote, else the Parquet files below a downloaded dataset, in order.

    split: a folder of a DatasetDict, or how Parquet files begin (`train-00000-of-00002.parquet`).
    Raises CimError when there is none, when an index of rows was left beside the data, or a split must be named.
    """
    if not folder.is_dir():
        raise CimError(f"no folder at {folder}", "a dataset directory", "mend recaption.corpus.path")
    if (folder / "dataset_dict.json").is_file():
        splits = list(read_json(folder / "dataset_dict.json")["splits"])
        if split is None or split not in splits:
            raise CimError(
                f"splits {splits} in {folder}", f"one of them, found {split!r}", "set recaption.corpus.split"
            )
        folder = folder / split
    if (folder / "state.json").is_file():
        state = read_json(folder / "state.json")
        if state.get("_indices_data_files"):
            raise CimError(
                f"rows of {folder} chosen by an index", "rows as they lie", "save it again with save_to_disk"
            )
        return [folder / Path(one["filename"]).name for one in state["_data_files"]]
    files = sorted(path for path in folder.rglob("*.parquet") if not path.name.startswith("."))
    if split is not None:
        files = [path for path in files if path.name.startswith(split) or split in path.relative_to(folder).parts]
    if not files:
        raise CimError(
            f"neither state.json nor .parquet files of split {split!r} in {folder}",
            "what save_to_disk writes, or a downloaded dataset's Parquet files",
            "convert the dataset with its own tools; its scripts are not run here",
        )
    return files
