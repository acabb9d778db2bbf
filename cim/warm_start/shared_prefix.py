"""Several captions of one picture in one row: picture and prompt are computed once, each caption continues them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch.nn.functional import cross_entropy
from transformers.modeling_outputs import BaseModelOutputWithPooling

PREFIX, PADDING = 0, -1  # whose tokens: captions of a row count from 1


class Packed(NamedTuple):
    """b rows of t tokens: a prefix, then its captions one after the other, none of which sees another.

    input_ids, position_ids: (b, t). attention_mask: (b, 1, t, t), True where a token (row) sees another (column).
    places: (2, n), row and column of the token that predicts each of the n targets. targets: (n,), an end token
    after each caption.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    attention_mask: torch.Tensor
    places: torch.Tensor
    targets: torch.Tensor


def pack(prefixes: Sequence[Sequence[int]], captions: Sequence[Sequence[Sequence[int]]], end: int) -> Packed:
    """Rows of b prefixes, each with its captions, at least one. end: the id that ends a caption, and fills rows up.

    Every caption's positions go on from its prefix, as if it stood there alone.
    """
    rows = [
        _row(prefix, several, end, number)
        for number, (prefix, several) in enumerate(zip(prefixes, captions, strict=True))
    ]
    most = max(len(row.ids) for row in rows)

    def table(parts: list[list[int]], fill: int) -> torch.Tensor:
        return torch.tensor([part + [fill] * (most - len(part)) for part in parts])

    owner = table([row.owner for row in rows], PADDING)
    seen = (owner[:, None] == PREFIX) | (owner[:, None] == owner[:, :, None])
    return Packed(
        table([row.ids for row in rows], end),
        table([row.positions for row in rows], 0),
        (seen & torch.ones(most, most, dtype=torch.bool).tril())[:, None],
        torch.tensor([place for row in rows for place in row.places]).T,
        torch.tensor([target for row in rows for target in row.targets]),
    )


class _Row(NamedTuple):
    ids: list[int]
    positions: list[int]
    owner: list[int]
    places: list[tuple[int, int]]
    targets: list[int]


def _row(prefix: Sequence[int], captions: Sequence[Sequence[int]], end: int, number: int) -> _Row:
    length = len(prefix)
    row = _Row(list(prefix), list(range(length)), [PREFIX] * length, [], [])
    for owner, caption in enumerate(captions, start=PREFIX + 1):
        first = len(row.ids)
        row.ids.extend(caption)
        row.positions.extend(range(length, length + len(caption)))
        row.owner.extend([owner] * len(caption))
        # The prefix's last token predicts the first of every caption, and a caption's last token its end.
        row.places.extend((number, column) for column in (length - 1, *range(first, first + len(caption))))
        row.targets.extend([*caption, end])
    return row


def packed_loss(model: Any, packed: Packed, features: torch.Tensor) -> torch.Tensor:
    """Mean cross entropy of all targets, as of separate rows with one caption each.

    model: FastVlmForConditionalGeneration. features: (b, s, c), what its vision tower makes of each row's picture;
    the tower itself is not run.
    """
    inner = model.model
    projected = BaseModelOutputWithPooling(pooler_output=inner.multi_modal_projector(features))
    hidden = inner(
        input_ids=packed.input_ids,
        attention_mask=packed.attention_mask,
        position_ids=packed.position_ids,
        mm_encoder_outputs={"image": projected},
        use_cache=False,
    ).last_hidden_state
    rows, columns = packed.places
    logits = model.lm_head(hidden[rows, columns])
    return cross_entropy(logits.float(), packed.targets)
