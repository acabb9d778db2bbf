"""What a run asks of a store in which all is done: `python -m benchmarks.store_requests [--shards 100 1000]`.

A corpus of tars and its finished shards, put into an S3 server of this process (moto, `pip install 'moto[server]'`) as
runs leave them, their content made up. HTTP requests are counted where the driver sends them, repeated ones included.
"""

import argparse
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from cim.atomic import write_json
from cim.captioners.decoding import Decoding
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.output import CARD, SUMMARY, prepare
from cim.captions.store import Store
from cim.captions.store_index import files_of, marker_name
from cim.captions.store_run import StoreRun
from cim.captions.stored import StoredJob
from cim.params.recaption import Recaption
from cim.readers.open import numbered, open_source
from cim.readers.remote import RemoteTar, listed_identities
from cim.readers.stores import listed_below

COUNTS = ("images", "captions", "rejects", "tokens", "tokens_in")
FACTS = dict.fromkeys(COUNTS, 1) | {"finish_reasons": {}, "reject_reasons": {}, "tar_bytes": 1}


def planned(bucket: str, folder: Path) -> tuple[Store, list[StoredJob]]:
    """As the flow plans them: one shard a tar in the bucket's `in`. folder: this machine's."""
    corpus = {"kind": "webdataset", "path": f"s3://{bucket}/in/*.tar"}
    section = Recaption.model_validate({"corpus": corpus, "output": str(folder)})
    lineage = Lineage("model", "Say.", Decoding(8))
    parts = numbered(open_source(section.corpus, section.samples_per_shard))
    jobs = [ShardJob(part, folder, stem, int(stem), lineage, True) for stem, part in parts.items()]
    store = Store(f"s3://{bucket}/out", prepare(folder, jobs))
    return store, [StoredJob(**vars(job), store=store) for job in jobs]


def fill(bucket: str, shards: int, folder: Path) -> None:
    """The bucket with a corpus, and all of it done in `out`, but for what a run's end leaves there."""
    import fsspec

    system = fsspec.filesystem("s3")
    system.mkdir(bucket)
    system.pipe({f"{bucket}/in/{number:05d}.tar": b"tar %d" % number for number in range(shards)})
    store, jobs = planned(bucket, folder)
    system.pipe({f"{bucket}/out/{name}": name.encode() for job in jobs for name in files_of(job.stem)})
    store.put(folder / CARD)
    listed = listed_below(store.url)
    tars = listed_identities(job.part for job in jobs if isinstance(job.part, RemoteTar))
    markers = dict[str, bytes]()
    for job in jobs:
        assert isinstance(job.part, RemoteTar)
        holds = {name: listed[name] for name in files_of(job.stem)}
        marker = {"fingerprint": job.fingerprint(tars[job.part]), "facts": FACTS, "holds": holds}
        markers[f"{bucket}/out/{marker_name(job.stem)}"] = json.dumps(marker).encode()
    system.pipe(markers)


def rerun(bucket: str, folder: Path) -> tuple[Counter[str], int]:
    """Requests of a run over what is done, by kind, and how many tables it brought to this machine."""
    folder.parent.mkdir(exist_ok=True)
    with requests_sent() as sent:
        store, jobs = planned(bucket, folder)
        run = StoreRun.begin(store, folder / CARD, jobs)
        assert len(run.found) == len(jobs), "a shard was not done"
        if run.summary is None:
            run.bring_tables(run.found)
        write_json(folder / SUMMARY, run.summary or {"shards": len(jobs)})
        run.end(folder / SUMMARY)
        return sent, len(list(folder.glob("*.parquet")))


@contextmanager
def requests_sent() -> Iterator[Counter[str]]:
    """HTTP requests to S3 while it is open: LIST, and others by their method."""
    from aiobotocore.httpsession import AIOHTTPSession

    sent, real = Counter[str](), AIOHTTPSession.send

    async def noted(self: Any, request: Any) -> Any:
        sent["LIST" if "list-type" in request.url else request.method] += 1
        return await real(self, request)

    with mock.patch.object(AIOHTTPSession, "send", noted):
        yield sent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, nargs="+", default=[100, 1000])
    options = parser.parse_args()
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    account = {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "word", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ.update(account, AWS_ENDPOINT_URL=address, AWS_EC2_METADATA_DISABLED="true")
    print("| shards done | the run finds | requests | of these | tables brought |\n|---|---|---|---|---|")
    for shards in options.shards:
        with tempfile.TemporaryDirectory() as name:
            fill(f"shards-{shards}", shards, Path(name) / "filling" / "out")
            for found, machine in (("markers alone", "a"), ("what it left", "a"), ("the same, elsewhere", "b")):
                sent, tables = rerun(f"shards-{shards}", Path(name) / machine / "out")
                of_these = ", ".join(f"{count} {kind}" for kind, count in sorted(sent.items()))
                print(f"| {shards:,} | {found} | {sum(sent.values()):,} | {of_these} | {tables} |", flush=True)
    server.stop()


if __name__ == "__main__":
    main()
