"""The stage evaluate of a test: writes what the real ones leave, of one measure."""

import json
from pathlib import Path

import polars as pl

DIFFERENCE = {"value": 0.4, "low": 0.3, "high": 0.5, "images": 10, "verdict": "better"}
METRICS = {
    "images": 10,
    "base": {"retrieval": {"r1": 0.2}},
    "tuned": {"retrieval": {"r1": 0.6}},
    "difference": {"retrieval": {"r1": DIFFERENCE}},
    "absent": {},
}
RUN = {
    "run": "captioning", "seconds": 2.0, "captions_per_second": 5.0, "tokens_per_second": 50.0,
    "summary": {"captions": 10, "rejects": 1},
}  # fmt: skip

data = Path("data")
for folder in ("report", "shards", "logs"):
    (data / folder).mkdir(parents=True, exist_ok=True)
(data / "report/report.html").write_text("<p>the report</p>")
(data / "report/metrics.json").write_text(json.dumps(METRICS))
pl.DataFrame({"id": ["a"], "base_caption": ["a star"], "tuned_caption": ["a red star"]}).write_parquet(
    data / "report/images.parquet"
)
(data / "shards/summary.json").write_text("{}")
rejects = {"source": ["x.png", "y.png"], "reason": ["too small", "too small"], "detail": ["1x1", None]}
pl.DataFrame(rejects).write_parquet(data / "shards/rejects.parquet")
(data / "logs/caption-tuned-eval.jsonl").write_text(
    json.dumps({"shard": "eval-000000"}) + "\n" + json.dumps(RUN) + "\n"
)
