"""The sections of params.yaml about what Vespa gets, and when it goes live.

params.yaml says beside each value what the parameter does.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stages.lib.values import LARGEST, Count, Section, Share, Whole, XmlText


class Package(Section):
    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
    variant: Literal["fp32", "fp16", "int8"]
    vector_type: Literal["float", "bfloat16", "binary"]
    dimensions: Whole
    vectors: Literal["vespa", "fed"]
    embed_new: bool
    profile: Literal["semantic", "hybrid", "rrf"]
    hnsw_links: Annotated[int, Field(ge=2, le=LARGEST)]
    hnsw_explore: Annotated[int, Field(ge=1, le=LARGEST)]
    targets: Annotated[int, Field(ge=1, le=LARGEST)]
    nodes: Literal["local", "cloud", "cloud-gpu"]
    token: XmlText

    @model_validator(mode="after")
    def whole_bytes(self) -> Self:
        if self.vector_type == "binary" and self.dimensions % 8:
            raise ValueError("dimensions must be a multiple of 8 for binary vectors")
        return self

    @model_validator(mode="after")
    def tokens_are_of_the_cloud(self) -> Self:
        if self.token and self.nodes == "local":
            raise ValueError("token is Vespa Cloud's; set nodes to cloud or cloud-gpu, or empty it")
        return self


class Deploy(Section):
    queries: Count
    min_cosine: Share
    min_overlap: Share
    max_loss: Share
    explore: Annotated[list[Annotated[int, Field(ge=0, le=LARGEST)]], Field(min_length=1)]
    min_recall: Share
