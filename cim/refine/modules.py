"""Where the code of each refiner is: a change there makes its own shards stale, and no other refiner's.

Apart from `cim.refine.open`, which imports them all.
"""

MODULES = {
    "fuse_alt_text": "cim.refine.fuse",
    "fuse_experts": "cim.refine.fuse",
    "choose": "cim.refine.choose",
    "drop_unanswerable": "cim.refine.unanswerable",
    "enrich": "cim.refine.enrich",
    "consensus": "cim.refine.consensus",
}
