"""The text that FactualSceneGraph's model writes, "( dog , sit on , sofa ) , ( dog , is , brown )", read leniently."""

import re

from cim.graphs.graph import GraphBuilder
from cim.graphs.wordnet import Wordnet

_FACT = re.compile(r"\(([^()]*)\)")


def read_facts(text: str, builder: GraphBuilder, wordnet: Wordnet) -> None:
    """Add what `text` says to `builder`; names become singular and lower case.

    A fact of three parts is a relation; with "is" in the middle it is an attribute, or a number of objects. A fact
    cut off at the end is left out. Others are left out too, but for a text of a single fact, whose first part is an
    object ("( dog )"). Attributes with " of" in them are left out, as in CAPTURE.
    """
    facts = [[part.strip().lower() for part in inner.split(",")] for inner in _FACT.findall(text)]
    if not facts:  # cut off within the first fact
        facts = [[text.strip().lstrip("(").split(",")[0].strip().lower()]]
    for parts in facts:
        if len(parts) == 3 and all(parts):
            _add(parts[0], parts[1], parts[2], builder, wordnet)
        elif len(facts) == 1 and parts[0]:
            builder.add_object(wordnet.singular(parts[0]))


def _add(subject: str, middle: str, end: str, builder: GraphBuilder, wordnet: Wordnet) -> None:
    name = wordnet.singular(subject)
    if middle != "is":
        builder.add_relation(name, middle, wordnet.singular(end))
    elif end.isdecimal():
        builder.add_count(name, int(end))
    elif " of" in end:
        builder.add_object(name)
    else:
        builder.add_attribute(name, wordnet.base(end, "a"))
