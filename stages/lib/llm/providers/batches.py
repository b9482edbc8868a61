"""The Batch API: submitted now, picked up by whichever later run comes first.

The id of a batch is written down as soon as the endpoint gives it. Answers go into the journal
under the same keys as those of direct calls, so that both ways fill one store.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import openai
import orjson

from stages.lib.errors import UserError
from stages.lib.llm.environment import host, where
from stages.lib.llm.messages import (
    CallFailedError,
    CallRejectedError,
    PendingError,
    Request,
    Response,
)
from stages.lib.llm.providers.channel import RETRIES, not_compatible
from stages.lib.llm.providers.client import client, parsed
from stages.lib.llm.providers.verdict import About, Verdict, told, verdict
from stages.lib.llm.providers.wire import Wire, response_of
from stages.lib.llm.spending import BudgetReachedError, Purse
from stages.lib.llm.storage.journal import Stamp
from stages.lib.llm.storage.store import Store

SIZE = 10_000
"""Requests of a batch; endpoints take 50,000 or 200 MB."""
TRIES = 2
"""Batches that a request goes into in one run while its lines fail."""
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
        self._ours: dict[str, float] = {}  # most that the batches of this run may cost
        self._refused: dict[str, CallRejectedError] = {}
        self._failed: Counter[str] = Counter()
        self._words = ""

    async def complete(self, request: Request) -> Response:
        """Notes a request for the next batch unless one has it; its answer comes later."""
        if request.key in self._refused:
            raise self._refused[request.key]
        if self._failed[request.key] >= TRIES:
            raise CallFailedError(f"{where()} answers: {self._words}")
        if request.key not in self._waiting | self._unsent.keys():
            most = self._purse.most(request)
            planned = self._purse.spent + sum(self._ours.values()) + self._planned
            if self._purse.limit is not None and planned + most > self._purse.limit:
                raise BudgetReachedError
            self._planned += most
            self._unsent[request.key] = request
        raise PendingError

    async def close(self) -> None:
        """There is nothing to end."""

    async def submit(self) -> list[str]:
        """Sends off what was noted; the ids of all batches under way."""
        requests = list(self._unsent.values())
        async with client(self._timeout, RETRIES) as api:
            for start in range(0, len(requests), SIZE):
                part = requests[start : start + SIZE]
                lines = b"\n".join(orjson.dumps(self._line(request)) for request in part) + b"\n"
                with _explained():
                    file = await api.files.create(file=("requests.jsonl", lines), purpose="batch")
                    batch = await api.batches.create(
                        input_file_id=file.id,
                        endpoint="/v1/chat/completions",
                        completion_window="24h",
                    )
                self._note(batch.id, [request.stamp for request in part])
                self._ours[batch.id] = sum(map(self._purse.most, part))
        self._unsent.clear()
        self._planned = 0.0
        return sorted(self._open)

    async def collect(self) -> None:
        """Moves the answers of batches that have ended into the journal, and the refusals."""
        if not self._open:
            return
        async with client(self._timeout, RETRIES) as api:
            for name, stamps in list(self._open.items()):
                with _explained():
                    batch = await api.batches.retrieve(name)
                    if batch.status not in ENDED:
                        continue
                    files = [batch.output_file_id, batch.error_file_id]
                    parts = [(await api.files.content(each)).content for each in files if each]
                lines = [line for part in parts for line in part.splitlines() if line.strip()]
                useful = self._take(lines, {str(stamp["key"]): stamp for stamp in stamps}, name)
                self._close(name, batch.status)
                if not useful:
                    raise UserError(
                        f"{where()}: batch {name} ended as {batch.status} without an answer "
                        f"({_complaint(batch) or self._words or 'no reason given'}); mend that "
                        "and run again"
                    )

    def _take(self, lines: list[bytes], stamps: dict[str, Stamp], name: str) -> bool:
        """Stores what the lines of a batch say; False if they are of no use to any question."""
        taken = 0
        missing = set(stamps)
        faults: list[tuple[Stamp, Verdict]] = []
        for row in map(parsed, lines):
            stamp = stamps.get(str(row.get("custom_id"))) if isinstance(row, dict) else None
            if stamp is None:
                continue
            missing.discard(str(stamp["key"]))
            status, body = _reply(row)
            fault = verdict(status, body)
            if fault is not None:
                faults.append((stamp, fault))
                continue
            response = response_of(body, host())
            self._store.record(stamp, response)
            if name in self._ours:
                self._purse.spent += self._purse.cost(
                    response.prompt_tokens, response.completion_tokens
                )
            taken += 1
        refused, sent, conceded = 0, self._wire.fields, False
        for stamp, fault in faults:
            self._words = fault.words
            if self._wire.concede(sent, fault.words):
                conceded = True  # the next batch goes without
            elif fault.about is About.QUESTION or fault.field:
                refused += 1
                self._refuse(stamp, fault)
            else:
                self._failed[str(stamp["key"])] += 1
        for key in missing:
            self._failed[key] += 1
            self._words = self._words or f"batch {name} has no line for a question"
        return conceded or taken + refused > 0

    def _refuse(self, stamp: Stamp, fault: Verdict) -> None:
        """Keeps a refusal, so that no later batch has this line: it would be refused as well."""
        self._refused[str(stamp["key"])] = CallRejectedError(fault.words, fault.sure)
        self._store.record_rejection(stamp, fault.words)

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
        self._ours.pop(name, None)


def _reply(row: dict[str, Any]) -> tuple[int, Any]:
    """Status and body of a line; a line without a reply has an error in its place."""
    response = row.get("response")
    if isinstance(response, dict):
        status, body = response.get("status_code"), response.get("body")
        return (status if isinstance(status, int) else 200), body
    return 500, row.get("error")


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    kept = "batches submitted so far are kept, run again"
    try:
        yield
    except openai.APIStatusError as error:
        reply = error.response
        fault = verdict(reply.status_code, parsed(reply.content))
        words = fault.words if fault else "no reason given"
        raise UserError(
            f"{where()} refuses the batch ({reply.status_code}): {words}; {kept}"
        ) from error
    except openai.APIConnectionError as error:
        raise UserError(f"{where()} cannot be reached; {kept}") from error
    except (openai.OpenAIError, ValueError) as error:
        raise not_compatible() from error


def _complaint(batch: Any) -> str:
    errors = getattr(getattr(batch, "errors", None), "data", None) or []
    return told(str(errors[0].message)) if errors else ""
