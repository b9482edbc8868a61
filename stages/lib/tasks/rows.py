"""Rows of a task, as LLM-Embedder (FlagEmbedding) has them: one JSON object a line.

A row to learn from has a query with documents that answer it and others that do not; one to
evaluate has a query with the indices of what answers it. Whatever a task lacks is left out.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stages.lib.core.files import read_jsonl, write_jsonl
from stages.lib.core.hashes import text_hash
from stages.lib.errors import UserError

Index = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Row(BaseModel):
    """A line of a task; what other tools put beside these keys stays as it is.

    Args:
        query: what is asked.
        pos: documents that answer it...
        neg: ...and documents that do not.
        pos_index: where the former stand in the corpus, from 0...
        neg_index: ...and the latter.
        history: what was said before, in the place of `pos` and `neg`: the candidates of a memory.
        teacher_scores: of a language model or another ranker, for `history`, or for `pos` and then
            `neg`; of a row that has none of these, for `key`.
        answers: texts of which a passage should hold one, and by which a language model scores.
        key: documents that a retriever found...
        key_index: ...and where they stand in the corpus.
        score: how alike the query and the first of `pos` are, from 0 to 1.
        task: what the query is about: a kind of task, or its definition in a sentence.

    """

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    query: str
    pos: list[str] | None = None
    neg: list[str] | None = None
    pos_index: list[Index] | None = None
    neg_index: list[Index] | None = None
    history: list[str] | None = None
    teacher_scores: list[Number] | None = None
    answers: list[str] | None = None
    key: list[str] | None = None
    key_index: list[Index] | None = None
    score: Annotated[float, Field(ge=0, le=1)] | None = None
    task: str | None = None

    @property
    def positives(self) -> list[str]:
        """The documents that answer the query, as far as their texts are known."""
        return self.pos or []

    @property
    def candidates(self) -> list[str]:
        """What a teacher scores: what was said before, else positives and then negatives."""
        return self.history if self.history is not None else [*self.positives, *(self.neg or [])]

    @property
    def identity(self) -> str:
        """What the row is drawn by: an id that a tool gave it, else its texts."""
        extra = self.model_extra or {}
        named = next((extra[key] for key in ("id", "query_id", "qid") if key in extra), None)
        return str(named) if named is not None else text_hash(self.query, *self.candidates[:1])

    def dump(self) -> dict[str, Any]:
        """The object to write: the keys that the row has."""
        return self.model_dump(exclude_none=True)


def read_rows(path: Path, corpus: Sequence[str] | None = None) -> list[Row]:
    """Reads rows; texts that a row names by their indices alone are filled in from the corpus.

    Args:
        path: JSON Lines, whatever the file's ending.
        corpus: the texts that indices count; None leaves them unchecked.

    Raises:
        UserError: no row, or one of another form: with file and line.

    """
    rows = [_row(value, f"{path}:{number}", corpus) for number, value in read_jsonl(path)]
    if not rows:
        raise UserError(f"{path}: no rows; expected one JSON object a line")
    return rows


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Writes one row a line, without the keys that it lacks."""
    write_jsonl(path, (row.dump() for row in rows))


def _row(value: dict[str, Any], place: str, corpus: Sequence[str] | None) -> Row:
    try:
        row = Row.model_validate(value)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"]))
        said = "missing" if fault["type"] == "missing" else fault["msg"]
        raise UserError(f"{place}: {key}: {said}") from error
    _check_lengths(row, place)
    if corpus is None:
        return row
    filled: dict[str, list[str]] = {}
    for texts, indices in (("pos", row.pos_index), ("neg", row.neg_index), ("key", row.key_index)):
        beyond = next((index for index in indices or [] if index >= len(corpus)), None)
        if beyond is not None:
            raise UserError(
                f"{place}: {texts}_index: {beyond} is beyond the corpus, which has {len(corpus):,} "
                "documents, counted from 0; is it another corpus?"
            )
        if indices is not None and getattr(row, texts) is None:
            filled[texts] = [corpus[index] for index in indices]
    return row.model_copy(update=filled)


def _check_lengths(row: Row, place: str) -> None:
    for name in ("pos", "neg", "key"):
        texts, indices = getattr(row, name), getattr(row, f"{name}_index")
        if texts is not None and indices is not None and len(texts) != len(indices):
            raise UserError(
                f"{place}: {name} has {len(texts)} documents, and {name}_index {len(indices)}; "
                "each document needs its index, or leave the indices out"
            )
    if row.score is not None and not (row.pos or row.pos_index):
        raise UserError(f"{place}: a score without pos, whose first text it is about; add pos")
    if row.teacher_scores is None:
        return
    if row.history is not None:
        scored, what = len(row.history), "history"
    elif row.pos is None and row.neg is None and row.pos_index is None and row.neg_index is None:
        scored, what = len(row.key or row.key_index or []), "key"
    else:
        scored = len(row.pos or row.pos_index or []) + len(row.neg or row.neg_index or [])
        what = "pos and neg together"
    if len(row.teacher_scores) != scored:
        raise UserError(
            f"{place}: teacher_scores has {len(row.teacher_scores)} numbers for the {scored} "
            f"documents of {what}; score them again"
        )
