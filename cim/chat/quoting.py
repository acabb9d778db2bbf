"""Texts of others in a prompt: quoted, so that none can end its quotation or speak for the prompt."""

import json


def quoted(text: str) -> str:
    """One line of JSON: white space single, quotes escaped, and none of the brackets that tags and chat templates are
    made of ("</s>", "<|im_end|>", "[INST]")."""
    found = json.dumps(" ".join(text.split()), ensure_ascii=False)
    for bracket in "<>[]":
        found = found.replace(bracket, f"\\u{ord(bracket):04x}")
    return found
