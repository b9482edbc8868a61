"""The sections of params.yaml about encoders: which ones, and how they are fetched and exported.

params.yaml says beside each value what the parameter does.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from stages.lib.values import Count, Positive, Section, Share, Whole, XmlText

OURS = {"bm25", "base", "tuned", "int8", "served", "documents", "adapted"}
"""The systems that an evaluation compares anyway."""


class Base(Section):
    model: str
    revision: str
    sha256: str | None
    custom_code: str


class Encoder(Section):
    max_length: Annotated[int, Field(ge=8, le=8192)]
    query_prefix: XmlText
    document_prefix: XmlText


class EmbedderModel(Section):
    model: str
    revision: str
    provider: Literal["local", "openai"]
    max_length: Annotated[int, Field(ge=8, le=8192)]
    query_prefix: XmlText
    document_prefix: XmlText
    dimensions: Whole

    @model_validator(mode="after")
    def dimensions_are_the_endpoints(self) -> Self:
        if self.dimensions and self.provider == "local":
            raise ValueError("dimensions are asked of an endpoint; set provider to openai, or 0")
        return self

    @property
    def encoder(self) -> Encoder:
        """How a model in a folder is loaded."""
        return Encoder(
            max_length=self.max_length,
            query_prefix=self.query_prefix,
            document_prefix=self.document_prefix,
        )


class Other(EmbedderModel):
    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_-]*$")]

    @field_validator("name")
    @classmethod
    def free(cls, name: str) -> str:
        if name in OURS:
            raise ValueError(f"{name!r} is one of the pipeline's own systems; choose another")
        return name


class Distill(Section):
    sentences: Whole
    epochs: Count
    batch_size: Count
    learning_rate: Positive
    temperature: Positive


class Adapt(Section):
    kind: Literal["none", "linear", "two-layers"]
    epochs: Count
    batch_size: Count
    learning_rate: Positive
    interpolations: list[Annotated[float, Field(gt=0, lt=1)]]


class Export(Section):
    opset: Annotated[int, Field(ge=14, le=21)]
    pooled: bool
    min_cosine: Share
    int8_agreement: Share
    texts: Annotated[int, Field(ge=2)]
    documents: Whole
    max_ndcg_loss: Share
    licence: str
