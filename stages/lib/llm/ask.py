"""Asking many questions at once, each until its answer is usable."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tqdm import tqdm

from stages.lib.llm.answers import Answer, BadAnswerError, parse
from stages.lib.llm.messages import Provider, Request
from stages.lib.llm.store import Store

T = TypeVar("T", bound=Answer)


@dataclass(slots=True)
class Asked(Generic[T]):
    """Usable answers by subject, and what happened on the way."""

    answers: dict[str, T] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)


def ask(
    requests: Iterable[Request],
    form: type[T],
    provider: Provider,
    store: Store,
    attempts: int,
    concurrency: int,
    label: str,
) -> Asked[T]:
    """Asks every request, at most `attempts` times each, and keeps the usable answers.

    A stored response is taken instead of a call. Every response is stored before it is parsed.
    """
    waiting = list(requests)
    found: Asked[T] = Asked()

    async def one(request: Request) -> None:
        for _ in range(attempts):
            response = store.get(request)
            if response is None:
                response = await provider.complete(request)
                if response is None:
                    found.counts["unanswerable"] += 1
                    return
                store.put(request, response)
                found.counts["calls"] += 1
            else:
                found.counts["stored"] += 1
            found.counts["prompt_tokens"] += response.prompt_tokens
            found.counts["completion_tokens"] += response.completion_tokens
            try:
                found.answers[request.subject] = parse(response, form)
            except BadAnswerError as error:
                found.faults[error.fault.value] += 1
                request = request.again()
            else:
                return
        found.counts["given_up"] += 1

    async def everything() -> None:
        queue = iter(waiting)
        with tqdm(total=len(waiting), desc=label, unit="call", delay=2) as progress:

            async def worker() -> None:
                for request in queue:
                    await one(request)
                    progress.update()

            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, len(waiting))):
                    group.create_task(worker())

    try:
        asyncio.run(everything())
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
    found.counts["asked"] = len(waiting)
    return found
