"""The Batch API: submitted now, picked up by whichever later run comes first.

The id of a batch is written down as soon as the endpoint gives it. Answers go into the journal
under the same keys as those of direct calls, so that both ways fill one store.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import openai
import orjson

from stages.lib.errors import UserError
from stages.lib.llm.journal import Stamp
from stages.lib.llm.messages import CallFailedError, PendingError, Request, Response
from stages.lib.llm.providers.endpoint import Wire, client, explained, response_of, said, where
from stages.lib.llm.spending import BudgetReachedError, Purse
from stages.lib.llm.store import Store

SIZE = 10_000
"""Requests of a batch; endpoints take 50,000 or 200 MB."""
ENDED = {"completed", "failed", "expired", "cancelled"}


class Batches:
    """A provider whose answers come later.

    Args:
        timeout: seconds until a call that got no answer is tried again.
        store: takes the answers, and the list of batches in its journal.
        purse: what calls may cost.

    """

    paid = True

    def __init__(self, timeout: float, store: Store, purse: Purse) -> None:
        self._timeout = timeout
        self._store = store
        self._purse = purse
        self._wire = Wire()
        self._open = store.journal.open_batches(where())
        self._waiting = {str(stamp["key"]) for stamps in self._open.values() for stamp in stamps}
        self._unsent: dict[str, Request] = {}
        self._planned = 0.0

    async def complete(self, request: Request) -> Response:
        """Notes a request for the next batch unless one has it; its answer comes later."""
        if request.key not in self._waiting | self._unsent.keys():
            most = self._purse.most(request)
            if self._purse.limit is not None and self._planned + most > self._purse.limit:
                raise BudgetReachedError
            self._planned += most
            self._unsent[request.key] = request
        raise PendingError

    async def close(self) -> None:
        """There is nothing to end."""

    async def submit(self, model: str) -> list[str]:
        """Sends off what was noted; the ids of all batches under way."""
        requests = list(self._unsent.values())
        async with client(self._timeout) as api:
            for start in range(0, len(requests), SIZE):
                part = requests[start : start + SIZE]
                lines = b"\n".join(orjson.dumps(self._line(request)) for request in part) + b"\n"
                with _explained(model):
                    file = await api.files.create(file=("requests.jsonl", lines), purpose="batch")
                    batch = await api.batches.create(
                        input_file_id=file.id,
                        endpoint="/v1/chat/completions",
                        completion_window="24h",
                    )
                self._note(batch.id, [request.stamp for request in part])
        self._unsent.clear()
        self._planned = 0.0
        return sorted(self._open)

    async def collect(self, model: str) -> None:
        """Moves the answers of batches that have ended into the journal."""
        if not self._open:
            return
        async with client(self._timeout) as api:
            for name, stamps in list(self._open.items()):
                with _explained(model):
                    batch = await api.batches.retrieve(name)
                    if batch.status not in ENDED:
                        continue
                    lines = b""
                    if batch.output_file_id:
                        lines = (await api.files.content(batch.output_file_id)).content
                taken = self._take(lines, {str(stamp["key"]): stamp for stamp in stamps})
                self._close(name, batch.status)
                if not taken:
                    raise UserError(
                        f"{where()}: batch {name} ended as {batch.status} without an answer "
                        f"{_complaint(batch)}; mend that and run again"
                    )

    def _take(self, lines: bytes, stamps: dict[str, Stamp]) -> int:
        taken = 0
        for line in lines.splitlines():
            row = orjson.loads(line)
            stamp = stamps.get(row.get("custom_id"))
            answer = row.get("response") or {}
            if stamp and answer.get("status_code") == 200:
                self._store.record(stamp, response_of(answer["body"]))
                taken += 1
        return taken

    def _line(self, request: Request) -> dict[str, object]:
        return {
            "custom_id": request.key,
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": self._wire.body(request),
        }

    def _note(self, name: str, stamps: list[Stamp]) -> None:
        self._store.journal.add_batch(name, where(), stamps)
        self._open[name] = stamps
        self._waiting |= {str(stamp["key"]) for stamp in stamps}

    def _close(self, name: str, status: str) -> None:
        self._store.journal.end_batch(name, status)
        self._waiting -= {str(stamp["key"]) for stamp in self._open.pop(name)}


@contextlib.contextmanager
def _explained(model: str) -> Iterator[None]:
    try:
        with explained(model):
            yield
    except openai.BadRequestError as error:
        raise UserError(f"{where()} refuses the batch: {said(error)}") from error
    except CallFailedError as error:
        raise UserError(f"{error}; batches submitted so far are kept, run again") from error


def _complaint(batch: Any) -> str:
    errors = getattr(getattr(batch, "errors", None), "data", None) or []
    return f"({errors[0].message})" if errors else "(no reason given)"
