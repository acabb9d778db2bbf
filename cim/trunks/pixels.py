"""What a trunk sees as the 8-bit picture it was made from, which names it, whatever made floats of it."""

from dataclasses import dataclass

import torch
import xxhash

from cim.errors import CimError

OFF = 0.46  # of a level: bfloat16 rounds values of mean and std 0.5 by 0.25 of one, ImageNet's by 0.45


@dataclass(frozen=True)
class Levels:
    """From normalised floats back to levels 0 to 255 and forth. mean, std: of each channel, as the trunk wants them.

    Processors normalise in several ways whose floats differ in the last bit, and models cast them: the levels are the
    same for all, so that every stage finds what another one computed.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def of(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) uint8 on the CPU of normalised floats. Raises CimError for what is no such picture."""
        values = pixel_values.detach().to("cpu", torch.float32)
        exact = (values * self._channels(self.std) + self._channels(self.mean)) * 255
        levels = exact.round().clamp(0, 255)
        if values.numel() and not (off := float((exact - levels).abs().max())) <= OFF:
            raise CimError(
                f"pixel values that are {off:.2f} of 255 levels beside those of an 8-bit picture",
                f"pictures of 8 bits, normalised by mean {self.mean} and std {self.std}",
                "give the image processor the mean and std that the trunk declares, and no cut or noise after it",
            )
        return levels.to(torch.uint8)

    def normalised(self, levels: torch.Tensor) -> torch.Tensor:
        """The floats of (n, 3, h, w) levels, always the same ones."""
        return (levels.float() / 255 - self._channels(self.mean)) / self._channels(self.std)

    def _channels(self, values: tuple[float, ...]) -> torch.Tensor:
        return torch.tensor(values).view(-1, 1, 1)


def keys_of(levels: torch.Tensor) -> list[bytes]:
    """16 bytes naming each picture of (n, 3, h, w) uint8."""
    rows = levels.contiguous().numpy()
    return [xxhash.xxh3_128_digest(memoryview(row).cast("B")) for row in rows]
