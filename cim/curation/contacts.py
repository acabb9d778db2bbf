"""E-mail addresses and phone numbers in a text, as people write them, also to hide them from programs."""

import re
import unicodedata

_AT = r"(?:@|[\[({<] ?(?:at|@) ?[\])}>])"
_DOT = r"(?:\.|[\[({<] ?(?:dot|\.) ?[\])}>])"
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_EMAIL = re.compile(
    rf"[a-z0-9_%+'-](?:[a-z0-9._%+'-]*[a-z0-9_%+-])? ?{_AT} ?{_LABEL}(?: ?{_DOT} ?{_LABEL})* ?{_DOT} ?[a-z]{{2,24}}\b"
    rf"|\b[a-z0-9._%+-]+ at {_LABEL}(?: dot {_LABEL})* dot [a-z]{{2,24}}\b",
    re.IGNORECASE,
)
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad", "-"))
_RUN = re.compile(r"(?<![\w.,:/$€£#-])(?:\+ ?|\((?=\+?\d))?\d(?:[ .()/-]{0,3}\d){6,16}(?![\d%]|[.,:/-]\d)")
_CALLED = re.compile(
    r"\b(?:call|phone|ph|tel|telephone|mobile|mob|cell|fax|whatsapp|text|sms|dial|hotline|contact|t|m|p)\b[ .:#-]*"
    r"(?:us |me |now |at |on |no |number |is )*[.:#-]* *$",
    re.IGNORECASE,
)
_LEAST, _MOST = 7, 15  # digits; ITU-T E.164 allows 15
_GROUPS = re.compile(r"\d+")
_DATE = re.compile(r"(?:1[5-9]|20)\d\d([./-])\d{1,2}\1\d{1,2}(?!\d)|\d{1,2}([./-])\d{1,2}\2(?:1[5-9]|20)\d\d(?!\d)")
_YEARS = re.compile(r"(?:1[5-9]|20)\d\d *[-/ ] *(?:1[5-9]|20)\d\d")
_AMERICAN = re.compile(r"(?:1[-. ]?)?[2-9]\d\d[-. /]{1,2}\d{3}[-. ]\d{4}")
_AREA = re.compile(r"(?:\d{1,3}[-. ]?)?\(\d{2,5}\)[-. /]*\d[\d .-]+")
_INDIAN = re.compile(r"[6-9]\d{4}[- ]\d{5}")
_SIZE = re.compile(r"[ -]?[x\u00d7] ?\d")
_LOCAL = re.compile(r"[2-9]\d\d-\d{4}")
_BARE = re.compile(r"1?[2-9]\d\d[2-9]\d{6}|0[1-9]\d{8,9}")


def has_email(text: str) -> bool:
    """Whether `text` holds an e-mail address: `a.b@c.de`, `a (at) c [dot] de`, `a at c dot de`."""
    return _EMAIL.search(_plain(text)) is not None


def has_phone(text: str) -> bool:
    """Whether `text` holds a phone number of 7 to 15 digits.

    International (+, 00), national with a leading 0 or in North America's form, local (555-0123), and any number that
    "call", "tel" or the like stands before. Dates, years, prices, decimals and sizes are none.
    """
    plain = _plain(text)
    return any(_is_phone(found[0], plain[: found.start()], plain[found.end() :]) for found in _RUN.finditer(plain))


def _plain(text: str) -> str:
    """Digits of any width and script form as 0 to 9, all dashes as -, all blanks as one."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).translate(_DASHES)


def _is_phone(run: str, before: str, after: str) -> bool:
    """Whether digits with separators are a number, by their form and what stands around them."""
    if run.count("(") > run.count(")"):
        run = run.replace("(", "", 1)  # it opens a remark
    digits = re.sub(r"\D", "", run)
    if not _LEAST <= len(digits) <= _MOST:
        return False
    if run.startswith(("+", "(+")):
        return True
    if _DATE.search(run) or _YEARS.fullmatch(run):
        return False
    if _CALLED.search(before):
        return True
    if _SIZE.match(after):
        return False
    if any(form.fullmatch(run) for form in (_AMERICAN, _LOCAL, _BARE, _INDIAN)):
        return True
    if _AREA.fullmatch(run):
        return len(digits) >= 9
    groups = _GROUPS.findall(run)
    national = digits[0] == "0" and len(digits) >= 9 and len(groups) >= 2
    return national and all(len(group) >= 2 for group in groups)
