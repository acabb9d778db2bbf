"""E-mail addresses and phone numbers planted in captions of people, and what the rules for texts say of these."""

import random
from collections import Counter
from collections.abc import Sequence

import polars as pl

from cim.curation.contacts import has_email, has_phone
from cim.curation.texts import text_reason
from cim.params.curate import TextFilters

NAMES = ("anna", "j.smith", "info", "sales_2", "bob+cars", "m-k", "office", "lee99", "dr.who", "x")
HOSTS = ("example.com", "mail.example.org", "my-shop.co.uk", "foto.de", "a1.net", "uni.ac.at", "store.io", "news.info")
EMAILS = ("{0}@{1}", "{0}@{1}", "{0} @ {1}", "{0} (at) {2}", "{0}[at]{1}", "{0} at {3}", "<{0}@{1}>", "mailto:{0}@{1}")
PHONES = (
    "({a}) {b}-{c}", "{a}-{b}-{c}", "{a}.{b}.{c}", "+1 {a} {b} {c}", "+1{a}{b}{c}", "1-{a}-{b}-{c}", "{a} {b} {c}",
    "+44 20 {c} {d}", "020 {c} {d}", "0049 30 {b}{a}", "+49 (0)30 {b}{a}", "030/{b}{a}", "+33 1 {e}", "01 {e}",
    "+91 9{c} {f}", "+86 138 {c} {d}", "06-{c}{d}", "tel. {b}-{c}", "call {b}{c}", "+81-3-{c}-{d}",
)  # fmt: skip


def planted(captions: Sequence[str], count: int, seed: int = 0) -> tuple[int, int]:
    """How many of `count` addresses and of `count` numbers, each at a place of its own in a caption, are found."""
    rng = random.Random(seed)
    emails = sum(has_email(_within(rng.choice(captions), _email(rng), rng)) for _ in range(count))
    phones = sum(has_phone(_within(rng.choice(captions), _phone(rng), rng)) for _ in range(count))
    return emails, phones


def reasons(captions: Sequence[str], params: TextFilters) -> dict[str, int]:
    """How many captions each rule drops."""
    found = pl.DataFrame({"caption": captions}).select(text_reason(params)).to_series().drop_nulls()
    return dict(Counter(found.to_list()))


def _email(rng: random.Random) -> str:
    host = rng.choice(HOSTS)
    return rng.choice(EMAILS).format(rng.choice(NAMES), host, host.replace(".", " (dot) "), host.replace(".", " dot "))


def _phone(rng: random.Random) -> str:
    three = [str(rng.randint(200, 999)) for _ in range(2)]
    pairs = " ".join(f"{rng.randint(0, 99):02d}" for _ in range(4))
    four = [f"{rng.randint(0, 9999):04d}" for _ in range(2)]
    return rng.choice(PHONES).format(
        a=three[0], b=three[1], c=four[0], d=four[1], e=pairs, f=f"{rng.randint(0, 99999):05d}"
    )


def _within(caption: str, what: str, rng: random.Random) -> str:
    words = caption.split()
    place = rng.randint(0, len(words))
    return " ".join([*words[:place], what, *words[place:]])
