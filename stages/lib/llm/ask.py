"""Asking many questions at once, each until its answer is usable."""

import asyncio
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, Generic

from tqdm import tqdm

from stages.lib.core.text import one_line
from stages.lib.errors import UserError
from stages.lib.llm.answers import MOST_ATTEMPTS, Gathered, P, Question, complaint, read
from stages.lib.llm.asked import Asked
from stages.lib.llm.messages import (
    CallFailedError,
    CallRejectedError,
    PendingError,
    Provider,
    Rejection,
    Request,
    Response,
)
from stages.lib.llm.spending import BudgetError, BudgetReachedError, Purse
from stages.lib.llm.storage.store import Store

TELL = 30.0
"""Seconds between two lines on how far it is, where no progress bar shows it."""
MOST_SHOWN = 120
"""Characters of an unusable answer that an error shows."""
HOPELESS = 20
"""After this many failures without a success the stage stops: the rest would fail too."""


class Asker(Generic[P]):
    """Asks questions with bounded concurrency and collects the answers.

    Args:
        provider: answers requests.
        store: of a paid provider's responses; a stored response is taken instead of a call.
        purse: what calls may cost.
        attempts: how often a question is asked at most.
        concurrency: calls at a time.

    """

    def __init__(
        self, provider: Provider, store: Store, purse: Purse, attempts: int, concurrency: int
    ) -> None:
        self._provider = provider
        self._store = store
        self._purse = purse
        self._attempts = min(attempts, MOST_ATTEMPTS) if provider.paid else 1
        self._concurrency = concurrency
        self._calls: dict[str, asyncio.Future[Response | None]] = {}
        self._asked: Asked[P] = Asked()
        self._failed: list[str] = []
        self._failures_in_a_row = 0
        self._out_of_money = False
        self._done = 0
        self._label = ""
        self._start = time.monotonic()
        self._unsure: list[tuple[Request, str]] = []

    def ask(self, questions: Iterable[Question[P]], total: int, label: str) -> Asked[P]:
        """Asks every question.

        Raises:
            UserError: no call can succeed, some calls got no answer, the budget is used up, or
                Ctrl-C; whatever was received is in the journal.

        """
        self._label = label
        progress: tqdm[Any] = tqdm(total=total, desc=label, unit=" answers", disable=None)
        with progress:
            try:
                asyncio.run(self._everything(iter(questions), progress))
            except KeyboardInterrupt as error:
                raise UserError(f"{label}: interrupted; {self._left(total)}") from error
            except ExceptionGroup as group:
                raise group.exceptions[0] from group
        if self._out_of_money:
            raise BudgetError(
                f"{label}: EMBEDSMITH_BUDGET of {self._purse.limit:g} is reached, "
                f"{self._purse.spent:.4f} spent; {self._left(total)}"
            )
        if self._failed:
            raise UserError(
                f"{label}: {len(self._failed)} calls got no answer (the last: {self._failed[-1]}); "
                f"{self._left(total)}"
            )
        return self._asked

    def _left(self, total: int) -> str:
        return f"{self._done} of {total} are done and kept, run again to go on"

    async def _tell(self, progress: "tqdm[Any]") -> None:
        """Says from time to time how far it is where no progress bar does."""
        while True:
            await asyncio.sleep(TELL)
            if progress.disable:
                seconds = time.monotonic() - self._start
                rate = self._done / seconds
                left = ""
                if self._done:
                    left = f", {60 * rate:.0f} a minute, {self._minutes(progress, rate)} to go"
                state = f"{self._label}: {self._done} of {progress.total} answers{left}"
                tqdm.write(state, file=sys.stderr)

    def _minutes(self, progress: "tqdm[Any]", rate: float) -> str:
        return tqdm.format_interval(((progress.total or 0) - self._done) / rate)

    async def _everything(self, questions: Iterator[Question[P]], progress: "tqdm[Any]") -> None:
        async def worker() -> None:
            for question in questions:
                if self._out_of_money or self._failures_in_a_row >= HOPELESS:
                    return
                self._asked.questions += 1
                if await self._one(question):
                    self._done += 1
                    progress.update()
                    if self._purse.spent:
                        progress.set_postfix_str(f"{self._purse.spent:.4f} spent", refresh=False)

        teller = asyncio.create_task(self._tell(progress))
        try:
            # where one ends in an error, or all are interrupted, the others' calls under way end
            # by themselves (see `Endpoint`) and are kept
            async with asyncio.TaskGroup() as group:
                for _ in range(self._concurrency):
                    group.create_task(worker())
        finally:
            teller.cancel()
            if self._asked.responses:
                for request, words in self._unsure:
                    self._store.reject(request, words)
            await self._provider.close()

    async def _one(self, question: Question[P]) -> bool:
        """Asks until the answer is usable; False if it has to be asked in another run."""
        asked, request = self._asked, question.request
        gathered = Gathered(question.form)
        rejected = False
        for _ in range(self._attempts):
            try:
                response = await self._response(request)
            except CallRejectedError as error:
                self._note_refusal(request, error)
                rejected = True
                break
            except PendingError:
                asked.pending += 1
                return False
            except BudgetReachedError:
                self._out_of_money = True
                return False
            except CallFailedError as error:
                self._failed.append(str(error))
                self._failures_in_a_row += 1
                return False
            if response is None:
                asked.unanswerable += 1
                return True
            asked.note(response)
            reading = read(response, question.form)
            for fault in reading.faults:
                asked.faults[fault.value] += 1
            if gathered.add(reading, response.text):
                break
            asked.sample = one_line(response.text)[:MOST_SHOWN] or asked.sample
            request = request.again(complaint(reading.faults))
        if gathered.parts:
            asked.answers.setdefault(question.request.subject, []).append(gathered.parts)
        elif rejected:
            asked.rejected += 1
        else:
            asked.given_up += 1
            self._check_hope()
        return True

    def _note_refusal(self, request: Request, error: CallRejectedError) -> None:
        self._asked.refusal = error.words
        if error.sure:
            self._store.reject(request, error.words)
            return
        # it may be of every question, which somebody will mend: kept only beside answers
        self._unsure.append((request, error.words))
        if not self._asked.responses and len(self._unsure) >= HOPELESS:
            raise UserError(
                f"{self._label}: the endpoint refuses each of {HOPELESS} questions: {error.words}"
            )

    def _check_hope(self) -> None:
        if not self._asked.answers and self._asked.given_up >= HOPELESS:
            raise UserError(
                f"llm.model: no usable answer to any of {HOPELESS} questions "
                f"({self._asked.faults_message()}), such as {self._asked.sample!r}; use "
                "another model, or raise llm.max_tokens if answers are truncated; all answers are "
                f"kept in {self._store.path}"
            )

    async def _response(self, request: Request) -> Response | None:
        """The stored response, that of the same call under way, or a new one."""
        if not self._provider.paid:
            return await self._provider.complete(request)
        stored = self._stored(request)
        if stored is not None:
            return stored
        if request.key in self._calls:
            await self._calls[request.key]
            return self._stored(request)
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # its last call was let end, no other begins
            raise asyncio.CancelledError
        call = asyncio.ensure_future(self._call(request))
        self._calls[request.key] = call
        try:
            return await call
        finally:
            del self._calls[request.key]

    def _stored(self, request: Request) -> Response | None:
        return _accepted(self._store.get(request))

    async def _call(self, request: Request) -> Response | None:
        reserved = await self._purse.reserve(request)
        response = standing = None
        try:
            response = await self._provider.complete(request)
        finally:
            if response is not None:
                standing = _accepted(self._store.put(request, response))
                self._failures_in_a_row = 0
            await self._purse.settle(reserved, response)
        return standing


def _accepted(stored: Response | Rejection | None) -> Response | None:
    if isinstance(stored, Rejection):
        raise CallRejectedError(stored.words, sure=True)
    return stored
