"""The prompt said back is found; an answer that shares some of its words is not."""

import pytest

from cim.languages.english import ENGLISH
from cim.params.guards import PromptGuard
from cim.rewards.guards.base import GeneratedCaption
from cim.rewards.guards.words import Prompt, copied_share

GUARD = Prompt(PromptGuard(), ENGLISH)
PROMPT = "Caption this image as accurately as possible, without speculation. Describe what you see."
HONEST = "A large dotted red circle to the left of two small blue squares on a white background."


def test_copied_prompt():
    # "caption this image as accurately" are 5 of 9 words, two of them tell; "accurately as possible": 3 of 5
    assert copied_share("To caption this image as accurately, a big dog", PROMPT, 3, ENGLISH) == pytest.approx(5 / 9)
    assert copied_share("A dog accurately as possible", PROMPT, 3, ENGLISH) == pytest.approx(3 / 5)
    assert copied_share("In this image as seen", PROMPT, 3, ENGLISH) == 0  # none of the three tells anything
    assert copied_share("What you see, dear", PROMPT, 3, ENGLISH) == 0
    assert copied_share("describe a dog", "Describe.", 3, ENGLISH) == pytest.approx(1 / 3)  # a prompt of one word
    assert copied_share("What you see? What is it? What you see?", "What is it?", 3, ENGLISH) == pytest.approx(
        3 / 9
    )  # whole
    assert copied_share("", PROMPT, 3, ENGLISH) == copied_share("a dog", "", 3, ENGLISH) == 0


PROMPTS = [
    PROMPT,
    "Describe this image.",
    "Describe the image in detail.",
    "Describe what you see in the image.",
    "Provide a detailed description of the image.",
    "Write a short caption for this picture.",
    "What is shown in this image?",
    "What can be seen in the photo? Name the main objects, their colours and where they are.",
]


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize(
    "text",
    [
        HONEST,
        "A man stands on the left in the image, holding a red umbrella in heavy rain at night.",
        "On the left of the image a man holds a red umbrella.",
        "In this image, two dogs play with a ball; their colours and sizes differ.",
        "A man is shown in this image, with a dog to the right of the picture.",
        "Three children can be seen in the photo, and what you see behind them is the sea.",
        "This image shows a dog, as seen from above.",
    ],
)
def test_an_answer_is_no_copy_of_a_common_prompt(prompt, text):
    assert GUARD(GeneratedCaption(text, prompt)) == 0


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_common_prompt_is_a_copy(prompt):
    assert GUARD(GeneratedCaption(prompt, prompt)) == -1
    assert GUARD(GeneratedCaption(f"{prompt} {prompt.upper()}", prompt)) == -1
    assert GUARD(GeneratedCaption(f"{prompt} {HONEST}", prompt)) == -1
