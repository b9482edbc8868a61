"""The record of an embedder behind an endpoint, which stands where a model's files would be."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from stages.lib.core.files import read_json, write_json
from stages.lib.encoder_params import EmbedderModel

RECORD = "endpoint.json"


class Record(BaseModel):
    """What decides the vectors of an embedder behind an endpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    dimensions: int
    query_prefix: str
    document_prefix: str


def write_record(folder: Path, settings: EmbedderModel) -> None:
    """Writes the record of an embedder behind an endpoint."""
    fields = settings.model_dump(include=set(Record.model_fields))
    write_json(folder / RECORD, Record.model_validate(fields).model_dump())


def is_remote(folder: Path) -> bool:
    """Whether the embedder of a folder is behind an endpoint."""
    return (folder / RECORD).is_file()


def read_record(folder: Path) -> Record:
    """The record in a folder."""
    return Record.model_validate(read_json(folder / RECORD))
