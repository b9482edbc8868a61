"""The sections of params.yaml about tasks and examples that a language model thinks up.

params.yaml says beside each value what the parameter does.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stages.lib.llm_params import Weights
from stages.lib.values import Count, Section

FamilyName = Literal["short-long", "long-short", "short-short", "long-long", "similarity", "bitext"]


class Brainstorm(Section):
    families: list[FamilyName]
    tasks: Count
    domain: str
    documents: Literal["data/tasks", "data/collection/corpus.jsonl"]

    @property
    def of_collection(self) -> bool:
        """Whether documents of the collection are shown."""
        return self.documents == "data/collection/corpus.jsonl"

    @model_validator(mode="after")
    def distinct(self) -> Self:
        if len(set(self.families)) < len(self.families):
            raise ValueError("families must differ")
        return self


class Traits(Section):
    query_type: Weights
    query_length: Weights
    clarity: Weights
    difficulty: Weights
    length_of_long_texts: Weights
    texts_are: Weights
    education_of_readers: Weights
    higher_similarity: Weights
    lower_similarity: Weights


class Examples(Section):
    per_task: Count
    max_characters: Annotated[int, Field(ge=50)]
    attributes: Traits
    language: Weights
    english_share: Annotated[float, Field(ge=0, lt=1)]
