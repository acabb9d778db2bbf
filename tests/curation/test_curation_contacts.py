"""E-mail addresses and phone numbers: planted in many forms and found, and nothing else taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.curation.contacts import has_email, has_phone


def listed(text: str) -> list[str]:
    return text.strip().replace("\n", "|").split("|")


PHONES = listed("""
+1 (555) 123-4567|+1-555-123-4567|+15551234567|(555) 123-4567|(555)123-4567|555-123-4567|555.123.4567|555 234 4567
1-800-356-9377|1.212.555.0147|212/555-0147|2125550147|555-0123|+1 212.555.0147 x1234|+44 20 7946 0958
+44 (0)20 7946 0958|020 7946 0958|(020) 7946 0958|0207 946 0958|0049 30 123456|030/123456-78|+49 30 1234567
+4915112345678|06-12345678
+33 1 23 45 67 89|01 23 45 67 89|0123456789|+91 98765 43210|98765 43210|+86 138 0013 8000|+81-3-1938-5678|03-1234-5678
+61 2 9374 4000|+55 11 91234-5678|(11) 91234-5678|+7 (495) 123-45-67|8 (495) 123-45-67|tel: 555-1234|call 5551234
phone 0800 123 456|WhatsApp +62 812-3456-7890
\uff0b\uff11\uff08\uff12\uff11\uff12\uff09\uff15\uff15\uff15\uff0d\uff10\uff11\uff14\uff17
""")
EMAILS = listed("""
john@example.com|john.doe+tag@mail.example.co.uk|john (at) example (dot) com|john[at]example.com|john at example dot com
john @ example.com|JOHN_DOE@EXAMPLE.ORG|j@x.io|john{at}example{dot}org|o'brien@example.ie|john AT example DOT com
john-doe@sub-domain.example.museum|john\uff20example.com|<john@example.com>|mailto:john@example.com
""")
AROUND = ("{}", "Contact {} today", "A cat, {}.", "nice house for sale ({})", "two dogs\n{}!")
NEITHER = listed("""
2019-2020|2019-05-12|12.05.2019 14:30|12/05/2019|1920x1080|1920 x 1080 pixels|3.14159265|$1,234,567|1,234,567 people
1000000 people|ISBN 978-3-16-148410-0|100-200 m|from 1990 to 2000|a bus number 12345678|IMG_20190512_123456|20190512
12:30-14:45|192.168.100.200|50 000 000|\u00a312.50 - 19.99|size 36 38 40 42|1 2 3 4 5 6 7|May 12 2019 10 30
1914-1918 war
1 000 000 000|flight 1234 at 20:30|user at a table|a dot com bubble|man at bat @ stadium|#1234567|5 at 6|@home
""")


@pytest.mark.parametrize("phone", PHONES)
def test_a_phone_number_is_found_wherever_it_stands(phone: str) -> None:
    assert [around for around in AROUND if not has_phone(around.format(phone))] == []


@pytest.mark.parametrize("email", EMAILS)
def test_an_email_address_is_found_wherever_it_stands(email: str) -> None:
    assert [around for around in AROUND if not has_email(around.format(email))] == []


@pytest.mark.parametrize("text", NEITHER)
def test_what_is_neither_is_left_alone(text: str) -> None:
    around = [one.format(text) for one in AROUND if "Contact" not in one]  # which makes a phone number of any
    assert [one for one in around if has_phone(one) or has_email(one)] == []


@given(st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z0-9]{1,6})?@[a-z][a-z0-9]{0,9}\.(com|org|de|co\.uk)", fullmatch=True))
def test_any_plain_address_is_found(address: str) -> None:
    assert has_email(f"Write to {address}, please")


@given(
    st.from_regex(r"[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True),
    st.sampled_from(["({}) {}-{}", "{}-{}-{}", "{}.{}.{}", "{} {} {}", "+1 {} {} {}", "1-{}-{}-{}", "+1{}{}{}"]),
)
def test_any_north_american_number_is_found(digits: str, form: str) -> None:
    assert has_phone(f"Call me: {form.format(digits[:3], digits[3:6], digits[6:])}")
    assert has_phone(f"House, {form.format(digits[:3], digits[3:6], digits[6:])}")


@given(st.text("abcdefghijklmnopqrstuvwxyz ,.'", max_size=60), st.integers(0, 999_999))
def test_words_and_a_number_of_six_digits_are_no_contact(words: str, number: int) -> None:
    assert not has_phone(f"{words} {number}")
    assert not has_email(f"{words} {number}")


def test_captions_of_people_hold_none(photo_captions: list[list[str]]) -> None:
    captions = [caption for several in photo_captions for caption in several]
    assert sum(has_phone(one) or has_email(one) for one in captions) <= 0.005 * len(captions)
