"""Which columns of a corpus say whose an image is: for corpora of every kind, and for what is made of them."""

from typing import Annotated

from pydantic import Field

from cim.params.base import Section

Names = Annotated[tuple[str, ...], Field(strict=False, description="the first that says something counts; case aside")]


class ProvenanceColumns(Section):
    """Fields of a sample's JSON, or columns of a table, with licence, source and author of an image."""

    license: Names = ("license", "licence", "license_name", "license_url", "rights")
    source_url: Names = ("source_url", "url", "image_url", "flickr_url", "coco_url", "original_url", "page_url")
    attribution: Names = ("attribution", "author", "creator", "credit", "artist", "photographer", "copyright")


PROVENANCE = ProvenanceColumns()
