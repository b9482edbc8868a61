"""A live server of Argilla: records go there and people's answers come back, by Argilla's SDK."""

import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.lib.errors import UserError

KEY = "ARGILLA_API_KEY"
"""The variable with the key of a person or of a robot; that person gives what was decided here."""
BATCH = 256
"""Records a call."""
ADDRESS = re.compile(r"https?://[^/?#\s]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a dataset lies.

    Args:
        url: the server's address.
        workspace: its name; "" for the only one that the key's person is in.
        dataset: its name.

    """

    url: str
    workspace: str
    dataset: str

    def __str__(self) -> str:
        return f"dataset {self.dataset!r} of {self.url}"


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of records that were brought to a server.

    Args:
        new: records that were not there.
        answered: of those and of others, how many got an answer that they lacked.
        there: records that were there, and were left as they are...
        other: ...and of these, how many have other fields there.

    """

    new: int
    answered: int
    there: int
    other: int


def bring(
    place: Place,
    settings: Path,
    records: Sequence[Mapping[str, Any]],
    answers: Mapping[str, Mapping[str, str]],
) -> Brought:
    """Brings records to a dataset, which is made where there is none.

    What is there stays: a record of the same id keeps its fields, suggestions and responses, since
    people answered about what they saw. An answer goes to a record that nobody has answered, in the
    name of the key's person.

    Args:
        place: where the dataset lies.
        settings: the dataset's, as JSON.
        records: as `Dataset.records.to_json` writes them.
        answers: values by question, by the record's id.

    Raises:
        UserError: the server cannot be reached, refuses, or has a dataset of other settings.

    """
    with _client(place) as client:
        import argilla

        dataset = _dataset(client, place)
        wanted = argilla.Settings.from_json(settings)
        if dataset is None:
            workspace = _workspace(client, place)
            dataset = argilla.Dataset(place.dataset, workspace, wanted, client)
            dataset.create()
        elif (there := _shape(dataset.settings)) != (here := _shape(wanted)):
            names = ", ".join(sorted({name for name, _ in there ^ here}))
            raise UserError(
                f"{place} has other settings than these examples ({names}); give another name by "
                "DATASET="
            )
        known = {str(record.id): record for record in dataset.records(batch_size=BATCH)}
        sent, new, other, answered = [], 0, 0, 0
        for row in records:
            record = known.get(row["id"])
            if record is None:
                record = argilla.Record.from_dict(dict(row) | {"responses": {}})
                new += 1
            elif _fields(record.fields) != row["fields"]:
                other += 1
                continue
            elif record._model.responses or row["id"] not in answers:
                # not `record.responses`, which lacks who discarded the record
                continue
            for name, value in answers.get(row["id"], {}).items():
                given = argilla.Response(name, value, client.me.id, status="submitted")
                record.responses.add(given)
            answered += row["id"] in answers
            sent.append(record)
        if sent:
            dataset.records.log(sent, batch_size=min(BATCH, len(sent)))
    return Brought(new, answered, len(records) - new, other)


def take(place: Place) -> list[dict[str, Any]]:
    """The records of a dataset that people have answered, as `Dataset.records.to_json` has them.

    Of several people's answers to a record the first one's stay; drafts, and what was discarded,
    are no answers.

    Raises:
        UserError: the server cannot be reached, refuses, or has no such dataset.

    """
    with _client(place) as client:
        dataset = _dataset(client, place)
        if dataset is None:
            raise UserError(f"{place} is not there; `make export-examples SERVER=` brings it")
        found = []
        for record in dataset.records(batch_size=BATCH, with_suggestions=False):
            given = [one for one in record.responses if str(one.status.value) == "submitted"]
            values = {
                one.question_name: [{"value": one.value, "user_id": str(one.user_id)}]
                for one in given
                if one.user_id == given[0].user_id
            }
            if values:
                found.append({"id": str(record.id), "responses": values})
    return found


@contextmanager
def _client(place: Place) -> Iterator[Any]:
    """The SDK's client; what goes wrong with it is one line."""
    if not ADDRESS.match(place.url):
        raise UserError(f"{place.url!r} is no address; give SERVER=https://...")
    key = os.environ.get(KEY)
    if not key:
        raise UserError(f"{KEY} is not set; the server shows it under My settings")
    try:
        import argilla
    except ImportError as error:
        raise UserError(
            "Argilla's SDK is not installed; run pip install 'argilla>=2.8,<3'"
        ) from error
    if not hasattr(argilla, "Argilla"):
        raise UserError(f"argilla {argilla.__version__} is installed, and it takes 2.8 or later")
    with warnings.catch_warnings():
        # what the SDK warns of is told here in other words, or is as it should be
        warnings.simplefilter("ignore")
        logging.getLogger("argilla.sdk").setLevel(logging.CRITICAL)
        try:
            client = argilla.Argilla(api_url=place.url, api_key=key, retries=1)
            answer = client.http_client.get("/api/v1/version")
            version = str(answer.json()["version"]) if answer.is_success else "1"
            if version.split(".")[0] != "2":
                raise UserError(f"{place.url} is Argilla {version}, and this speaks with Argilla 2")
            yield client
        except UserError:
            raise
        except Exception as error:
            # the SDK and its transport raise errors of many kinds
            raise UserError(f"{place.url}: {_fault(error)}") from error


def _fault(error: BaseException) -> str:
    """What went wrong: what the server said, if it said anything."""
    import httpx

    chain: list[BaseException] = [error]
    while cause := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(cause)
    for each in reversed(chain):
        # the SDK's later errors are about the first one
        status = getattr(each, "status_code", None)
        if status in (401, 403):
            return f"the server refuses the key ({status}); set {KEY} to one that may do this"
        if status == 404:
            return "no such thing there (404); check that this is the address of an Argilla 2"
        if status:
            said = " ".join(str(each).split())
            return f"the server answered {status}: {said[:200]}"
    for each in chain:
        if isinstance(each, httpx.TransportError):
            return f"cannot be reached ({type(each).__name__}); check the address and the network"
    return f"answers otherwise than Argilla 2 does ({type(error).__name__}); check the address"


def _workspace(client: Any, place: Place) -> Any:
    """The workspace that is named, or the only one."""
    found = {str(each.name): each for each in client.workspaces}
    if place.workspace in found:
        return found[place.workspace]
    if not place.workspace and len(found) == 1:
        return next(iter(found.values()))
    names = ", ".join(sorted(found)) or "none"
    what = f"no workspace {place.workspace!r}" if place.workspace else "no workspace is named"
    raise UserError(f"{place.url}: {what}; the key's person is in {names}: set WORKSPACE=")


def _dataset(client: Any, place: Place) -> Any:
    """The dataset with its settings; None where there is none of this name."""
    for each in _workspace(client, place).datasets:
        if each.name == place.dataset:
            return each.get()
    return None


def _shape(settings: Any) -> set[tuple[str, str]]:
    """What records have to fit: fields and questions with their kinds, and what may be chosen."""
    fields = {(str(each.name), str(each.type)) for each in settings.fields}
    questions = {
        (str(each.name), f"{each.type} {sorted(getattr(each, 'labels', []))}")
        for each in settings.questions
    }
    return fields | questions


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
