"""The forms of answers: their JSON schemas, and strict parsing that salvages what is good."""

from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from stages.lib.llm.messages import Response


class Fault(StrEnum):
    """Why an answer was not usable."""

    TRUNCATED = "truncated"
    REFUSED = "refused"
    EMPTY = "empty"
    NOT_JSON = "not_json"
    OFF_SCHEMA = "off_schema"


class BadAnswerError(Exception):
    """An answer that has to be asked again."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Answer(BaseModel):
    """The base of all forms: no further keys, no coercion."""

    model_config = ConfigDict(extra="forbid", strict=True)


class DatasetRules(Answer):
    """How the collection's queries look."""

    rules: list[str]


class SyntheticQuery(Answer):
    """One query of a type."""

    type: str
    text: str


class SyntheticQueries(Answer):
    """The queries written for a document."""

    queries: list[SyntheticQuery]


class RelevanceJudgement(Answer):
    """One document's grade, 0 to 3."""

    doc_id: str
    relevance: int


class RelevanceJudgements(Answer):
    """Grades of several documents for one query."""

    judgements: list[RelevanceJudgement]


T = TypeVar("T", bound=Answer)

FORMS: dict[str, type[Answer]] = {
    "dataset_rules": DatasetRules,
    "synthetic_queries": SyntheticQueries,
    "relevance_judgements": RelevanceJudgements,
}


def json_schema(name: str) -> dict[str, Any]:
    """The JSON schema of a form, as endpoints with structured output want it."""
    return FORMS[name].model_json_schema()


def parse(response: Response, form: type[T]) -> T:
    """The answer in its form.

    Raises:
        BadAnswerError: refused, cut off, empty, not JSON, or of another form.

    """
    if response.refusal:
        raise BadAnswerError(Fault.REFUSED)
    if response.finish_reason == "length":
        raise BadAnswerError(Fault.TRUNCATED)
    if not response.text.strip():
        raise BadAnswerError(Fault.EMPTY)
    try:
        answer = form.model_validate_json(response.text)
    except ValidationError as error:
        syntax = any(fault["type"] == "json_invalid" for fault in error.errors())
        raise BadAnswerError(Fault.NOT_JSON if syntax else Fault.OFF_SCHEMA) from error
    if not any(len(value) for _, value in answer):
        raise BadAnswerError(Fault.EMPTY)
    return answer
