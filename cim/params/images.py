"""Which images are taken: what sharding and re-captioning both ask of one."""

from typing import Literal

from pydantic import Field

from cim.params.base import Section


class ImageLimits(Section):
    """Images outside are quarantined; those of a wrong size before they are decoded."""

    min_side: int = Field(16, ge=1, description="pixels of the smaller side; smaller images are quarantined")
    max_pixels: int = Field(
        100_000_000,
        ge=1,
        le=178_956_970,  # where Pillow itself refuses
        description="width x height; larger images are quarantined before decoding",
    )
    max_aspect: float = Field(
        200.0, ge=1, description="images with one side longer than this many times the other are quarantined"
    )  # Qwen2-VL's image processor takes no more
    animated: Literal["reject", "first_frame"] = Field(
        "reject", description="GIFs, and images of several frames: quarantined, or taken for their first frame"
    )
