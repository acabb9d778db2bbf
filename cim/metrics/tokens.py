"""Captions as the words that published scores of overlap count, without Java."""

import re

# In order: what stands before n't, n't, the other clitics, words with inner hyphens, full stops and thousands commas.
_TOKEN = re.compile(r"\w+?(?=n't\b)|n't\b|'(?:s|m|d|ll|re|ve)\b|\w+(?:[-.]\w+|,\d{3}\b)*")


def coco_tokens(caption: str) -> list[str]:
    """Lower-case words without punctuation, split as COCO's caption evaluation splits them: dog 's, is n't, can not.

    Its tokenizer is Stanford's for the Penn Treebank, in Java. Equal on every one of flickr750's 3,750 captions; it
    differs on symbols (&, %, $ are words there), brackets (words by an oversight there) and abbreviations ("St.").
    """
    return _TOKEN.findall(re.sub(r"\bcannot\b", "can not", caption.lower().replace("\u2019", "'")))
