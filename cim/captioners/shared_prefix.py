"""Several captions of one picture in one row: picture and prompt are computed once, each caption continues them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch

PREFIX, PADDING = 0, -1  # whose tokens: captions of a row count from 1


class Packed(NamedTuple):
    """b rows of t tokens: a prefix, then its captions one after the other, none of which sees another.

    input_ids, position_ids: (b, t). attention_mask: (b, 1, t, t), True where a token (row) sees another (column).
    places: (2, n), row and column of the token that predicts each of the n targets. targets: (n,), the tokens of all
    captions, one caption after the other.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    attention_mask: torch.Tensor
    places: torch.Tensor
    targets: torch.Tensor


def pack(prefixes: Sequence[Sequence[int]], captions: Sequence[Sequence[Sequence[int]]], fill: int) -> Packed:
    """Rows of b prefixes, each with its captions; of all of them at least one has a token. fill: the id that fills up.

    Every caption's positions go on from its prefix, as if it stood there alone. Its last token, the end as a rule, is
    a target alone: nothing follows that it would have to be read for.
    """
    rows = [
        _row(prefix, several, number) for number, (prefix, several) in enumerate(zip(prefixes, captions, strict=True))
    ]
    most = max(len(row.ids) for row in rows)

    def table(parts: list[list[int]], fill: int) -> torch.Tensor:
        return torch.tensor([part + [fill] * (most - len(part)) for part in parts])

    owner = table([row.owner for row in rows], PADDING)
    seen = (owner[:, None] == PREFIX) | (owner[:, None] == owner[:, :, None])
    return Packed(
        table([row.ids for row in rows], fill),
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


def _row(prefix: Sequence[int], captions: Sequence[Sequence[int]], number: int) -> _Row:
    length = len(prefix)
    row = _Row(list(prefix), list(range(length)), [PREFIX] * length, [], [])
    for owner, caption in enumerate(captions, start=PREFIX + 1):
        first, read = len(row.ids), caption[:-1]
        row.ids.extend(read)
        row.positions.extend(range(length, length + len(read)))
        row.owner.extend([owner] * len(read))
        # The prefix's last token predicts the first of every caption, each of its own the next.
        columns = (length - 1, *range(first, first + len(read)))
        row.places.extend((number, column) for column, _ in zip(columns, caption, strict=False))  # none of an empty one
        row.targets.extend(caption)
    return row


def packed_hidden(model: Any, packed: Packed, **picture: Any) -> torch.Tensor:
    """(n, c) hidden states of the tokens that predict the targets.

    model: FastVlmForConditionalGeneration, attending by sdpa. picture: of each row, as `pixel_values` (b, 3, h, w) or
    as `mm_encoder_outputs`.
    """
    rows, columns = packed.places
    with _last_layer_from(model.model.language_model.layers[-1], int(columns.min())) as first:
        states = model.model(
            input_ids=packed.input_ids,
            attention_mask=packed.attention_mask,
            position_ids=packed.position_ids,
            use_cache=False,
            **picture,
        ).last_hidden_state
    hidden: torch.Tensor = states[rows, columns - first]
    return hidden


@contextmanager
def _last_layer_from(layer: Any, first: int) -> Iterator[int]:
    """While this is open, the last layer of a Qwen2 gives the states of its tokens from number `first` on, as no other
    is asked for: most of a row are its picture's. Yields the number that its first state has.

    A layer that is computed once more in the backward pass, or that a library has wrapped, stays as it is.
    """

    def forward(
        hidden_states: torch.Tensor, attention_mask: Any = None, position_embeddings: Any = None, **_: Any
    ) -> torch.Tensor:
        normed = layer.input_layernorm(hidden_states)
        attended, _weights = layer.self_attn(normed, position_embeddings, attention_mask)
        asked = hidden_states[:, first:] + attended[:, first:]
        found: torch.Tensor = asked + layer.mlp(layer.post_attention_layernorm(asked))
        return found

    if layer.gradient_checkpointing or "forward" in vars(layer):
        yield 0
        return
    layer.forward = forward
    try:
        yield first
    finally:
        del layer.forward
