"""The sections of params.yaml about language models: what is asked of them, and what it costs.

params.yaml says beside each value what the parameter does.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stages.lib.values import Count, Positive, Section, Share, Whole


class Llm(Section):
    provider: Literal["openai", "recorded", "extractive", "none"]
    model: str
    recorded: Path
    mode: Literal["direct", "batch"]
    temperature: Annotated[float, Field(ge=0, le=2)] | None
    max_tokens: Count
    document_words: Count
    attempts: Annotated[int, Field(ge=1, le=3)]


class Price(Section):
    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]


class Prices(Section):
    batch_factor: Share
    models: dict[str, Price]


class Rules(Section):
    documents: Count
    queries: Whole
    draws: Annotated[int, Field(ge=1, le=9)]
    fallback: Literal["error", "default"]
    fixed: list[str]


Weights = dict[str, Positive]


class Attributes(Section):
    length: Weights
    difficulty: Weights
    clarity: Weights
    language: Weights


class Generate(Section):
    documents: Whole
    min_words: Whole
    types: Annotated[list[str], Field(min_length=1)]
    few_shot: Whole
    reviewed_examples: bool
    max_characters: Count
    answers: bool
    attributes: Attributes

    @model_validator(mode="after")
    def distinct(self) -> Self:
        if len(set(self.types)) < len(self.types):
            raise ValueError("types must differ")
        return self


class Expand(Section):
    enabled: bool
    queries: Whole
    depth: Count
    documents_per_call: Count
    compared: Whole


class Answer(Section):
    enabled: bool
    questions: Whole
    passages: Annotated[int, Field(ge=1, le=20)]
    verdicts: bool
    language_model: str
    language_model_revision: str


class JudgeDev(Section):
    queries: Whole
    depth: Count
    documents_per_call: Count
    compared: Whole

    @property
    def hard_documents(self) -> int:
        """Documents that get two hard queries each, which are half of all."""
        return self.queries // 4

    @property
    def most_documents(self) -> int:
        """Documents in a query's pool at most: of four systems, and the one it was written for."""
        return 4 * self.depth + 1

    @property
    def most_additions(self) -> int:
        """Documents at most that only an early student finds, alone and fused."""
        return 2 * self.depth
