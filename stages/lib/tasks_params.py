"""The section of params.yaml about training on tasks, and what a kind of task is made of.

params.yaml says beside each value what the parameter does; what a kind's values mean stands in
stages/presets/tasks.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from stages.lib.values import Count, Positive, Section, Share, Whole

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Settings(Section):
    instruction_query: str
    instruction_document: str
    key_template: str
    scoring_template: str
    positive: Literal["first", "random", "teacher", "teacher_positive"]
    negatives: Literal["first", "random", "teacher_best", "teacher_worst"]
    least_score: float | None
    margin: Weight | None
    most_rows: Whole
    in_batch: bool
    contrastive_weight: Weight
    distill_weight: Weight
    stable: bool
    temperature: Positive
    teacher_temperature: Positive
    measures: Annotated[
        list[Literal["ndcg", "mrr", "recall", "answer", "accuracy", "spearman"]],
        Field(min_length=1),
    ]
    cutoffs: Annotated[list[Count], Field(min_length=1)]

    @model_validator(mode="after")
    def learns(self) -> Self:
        if not self.contrastive_weight and not self.distill_weight:
            raise ValueError("contrastive_weight and distill_weight are 0: nothing would be learnt")
        return self


class TaskEntry(Section):
    name: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]*$")]
    kind: str
    set: dict[str, Any]


class Scoring(Section):
    model: str
    revision: str
    provider: Literal["local", "openai"]
    document_words: Count
    most_tokens: Annotated[int, Field(ge=16)]
    score: Literal["mean", "sum"]


class Tasks(Section):
    rows: list[TaskEntry]
    collection: Literal["data/mined", "data/tasks"]
    held_out: Share
    sampling: Literal["size", "evenly"]
    documents: Annotated[int, Field(ge=2)]
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: Positive

    @model_validator(mode="after")
    def each_once(self) -> Self:
        names = [entry.name for entry in self.rows]
        twice = next((name for name in names if names.count(name) > 1), "")
        if twice:
            raise ValueError(f"rows: two are called {twice!r}; name them apart")
        if self.collection == "data/mined" and "collection" in names:
            raise ValueError(
                "rows: a task is called 'collection', as are the rows of data/mined; rename it"
            )
        return self
