"""An embedder behind any OpenAI-compatible `/embeddings`, whose vectors are stored like answers.

Each text's vector goes into the user's journal by itself, under the hash of the text and of what
decides its vector, so that none is paid for twice, whatever stood beside it in a call.
"""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from stages.lib.core.hashes import text_hash
from stages.lib.encoding.encoder import BLOCK, Vectors
from stages.lib.encoding.remote import Record
from stages.lib.encoding.vectors import write_rows
from stages.lib.errors import UserError
from stages.lib.llm.environment import Environment, host
from stages.lib.llm.messages import CallFailedError, CallRejectedError, Response
from stages.lib.llm.providers.channel import Channel
from stages.lib.llm.providers.client import EMBEDDINGS
from stages.lib.llm.spending import BudgetError, BudgetReachedError, Purse, price_of
from stages.lib.llm.storage.store import Store
from stages.lib.params import Params

MOST_TEXTS = 32
"""Texts a call: what the servers with the lowest bound take."""
MOST_CHARACTERS = 100_000
"""Characters a call, some 25,000 tokens; a longer text goes alone."""


@dataclass(frozen=True)
class Text:
    """A text to encode, and what decides its vector."""

    text: str
    model: str
    dimensions: int

    @property
    def key(self) -> str:
        """The name that its vector is stored under."""
        return text_hash("embedding", self.model, str(self.dimensions), self.text)

    @property
    def subject(self) -> str:
        """Nothing: the same text is the same, whatever it belongs to."""
        return ""

    @property
    def stamp(self) -> dict[str, str | int]:
        """What is stored of it beside its vector."""
        return {
            "key": self.key,
            "subject": self.subject,
            "schema": "embedding",
            "model": self.model,
            "attempt": 0,
            "prompt_characters": len(self.text),
        }


PLAIN = "float"


@dataclass
class Form:
    """The form in which an endpoint gives numbers: base64 is a third of the size."""

    name: str = "base64"


class Call:
    """The texts of a call, as a body and a price."""

    max_tokens = 0

    def __init__(self, texts: Sequence[Text], form: "Form") -> None:
        self._texts = texts
        self._form = form

    @property
    def sent(self) -> str:
        """All the text that goes out."""
        return "".join(text.text for text in self._texts)

    def body(self) -> dict[str, Any]:
        """The JSON to send."""
        first = self._texts[0]
        body: dict[str, Any] = {
            "model": first.model,
            "input": [text.text for text in self._texts],
            "encoding_format": self._form.name,
        }
        if first.dimensions:
            body["dimensions"] = first.dimensions
        return body

    def concede(self, sent: Mapping[str, Any], complaint: str) -> bool:
        """Asks for plain numbers, in all further calls, where base64 is complained of."""
        named = "encoding" in complaint or "base64" in complaint
        if not named or sent["encoding_format"] == PLAIN:
            return False
        self._form.name = PLAIN
        return True


class EndpointEmbedder:
    """Encodes by the endpoint of OPENAI_BASE_URL.

    Args:
        record: what decides the vectors.
        params: the price of the model.
        output: the stage's store.
        key: the parameter that names the model, for errors.

    """

    def __init__(self, record: Record, params: Params, output: Path, key: str) -> None:
        self._record = record
        self._key = key
        self._environment = Environment.read()
        self._store = Store(output, self._environment.journal)
        limit = self._environment.budget
        self._price = price_of(record.model, params.prices.models, limit)
        self._spent = 0.0
        self._form = Form()

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of queries, (texts, dimensions)."""
        return self._encode([self._record.query_prefix + text for text in texts])

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of documents, (texts, dimensions)."""
        return self._encode([self._record.document_prefix + text for text in texts])

    def write_documents(
        self,
        path: Path,
        texts: Sequence[str],
        out: Path,  # noqa: ARG002 - other embedders look there
    ) -> int:
        """Writes the vectors of documents; what is there already, the store knows."""
        starts = range(0, len(texts), BLOCK)
        return write_rows(
            path, (self.documents(texts[at : at + BLOCK]) for at in starts), len(texts)
        )

    def save(self) -> None:
        """Writes the vectors used to the stage's output."""
        self._store.save()

    def _encode(self, texts: Sequence[str]) -> Vectors:
        record = self._record
        # endpoints refuse a text without any character
        asked = [Text(text or " ", record.model, record.dimensions) for text in texts]
        missing = {text.key: text for text in asked if self._store.get(text) is None}
        if missing:
            asyncio.run(self._ask(list(missing.values())))
        vectors = [self._vector(text) for text in asked]
        lengths = sorted({len(vector) for vector in vectors})
        if len(lengths) > 1:
            raise UserError(
                f"{self._key}: {record.model} gave vectors of {lengths[0]} and of {lengths[-1]} "
                "dimensions, so that another model answers by this name now; name one model"
            )
        return np.stack(vectors) if vectors else np.empty((0, 0), np.float32)

    async def _ask(self, texts: Sequence[Text]) -> None:
        environment = self._environment
        channel = Channel(EMBEDDINGS, self._key, environment.timeout, environment.concurrency)
        purse = Purse(self._price, 1.0, environment.budget)
        purse.spent = self._spent
        calls = iter(_calls(texts))
        with tqdm(total=len(texts), desc="embed by the endpoint", unit=" texts") as progress:

            async def worker() -> None:
                for call in calls:
                    await self._one(call, channel, purse)
                    progress.update(len(call))
                    if purse.spent:
                        progress.set_postfix_str(f"{purse.spent:.4f} spent", refresh=False)

            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(environment.concurrency):
                        group.create_task(worker())
            except ExceptionGroup as errors:
                raise self._explained(errors.exceptions[0], progress) from errors
            finally:
                self._spent = purse.spent
                await channel.close()

    def _explained(self, error: Exception, progress: "tqdm[Any]") -> Exception:
        """The first fault, with how far it came."""
        left = f"{progress.n} of {progress.total} texts are done and kept, run again to go on"
        if isinstance(error, BudgetReachedError):
            limit = self._environment.budget
            return BudgetError(f"EMBEDSMITH_BUDGET of {limit:g} is reached; {left}")
        if isinstance(error, CallRejectedError):
            return UserError(f"{self._record.model} refuses a text: {error}; {left}")
        if isinstance(error, CallFailedError):
            return UserError(f"{error}; {left}")
        return error

    async def _one(self, texts: Sequence[Text], channel: Channel, purse: Purse) -> None:
        """Asks for the vectors of some texts; halves that are too large together go apart."""
        call = Call(texts, self._form)
        reserved, paid = await purse.reserve(call), None
        try:
            answer = await channel.call(call, self._record.model)
            paid = self._keep(texts, answer)
        except CallRejectedError:
            if len(texts) == 1:
                raise
        finally:
            await purse.settle(reserved, paid)
        if paid is None:
            middle = len(texts) // 2
            await self._one(texts[:middle], channel, purse)
            await self._one(texts[middle:], channel, purse)

    def _keep(self, texts: Sequence[Text], answer: Any) -> Response:
        """Stores each text's vector; a response with the tokens of the whole call."""
        rows = sorted(answer["data"], key=lambda row: row.get("index") or 0)
        if len(rows) != len(texts):
            raise UserError(
                f"{self._record.model}: {len(rows)} vectors for {len(texts)} texts; the endpoint "
                "does not answer as /embeddings should"
            )
        usage = answer.get("usage")
        counted = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        tokens = counted if isinstance(counted, int) and counted > 0 else 0
        characters = max(1, sum(len(text.text) for text in texts))
        for text, row in zip(texts, rows, strict=True):
            vector = _numbers(row["embedding"])
            if vector is None:
                raise UserError(f"{self._record.model}: an answer holds no vector of numbers")
            encoded = base64.b64encode(vector.tobytes()).decode()
            share = round(tokens * len(text.text) / characters)
            self._store.put(text, _response(encoded, self._record.model, share))
        return _response("", self._record.model, tokens)

    def _vector(self, text: Text) -> Vectors:
        stored = self._store.get(text)
        vector = _numbers(stored.text) if isinstance(stored, Response) else None
        if vector is None:
            raise UserError(
                f"{self._store.path}: the vector stored for a text cannot be read; move the file "
                "away and run again"
            )
        unit: Vectors = vector / np.float32(np.linalg.norm(vector))
        return unit


def _response(text: str, model: str, tokens: int) -> Response:
    return Response(text, "stop", None, model, tokens, 0, host())


def _calls(texts: Sequence[Text]) -> list[list[Text]]:
    """The texts in calls, in their order."""
    calls: list[list[Text]] = []
    size = 0
    for text in texts:
        full = calls and (len(calls[-1]) == MOST_TEXTS or size + len(text.text) > MOST_CHARACTERS)
        if full or not calls:
            calls.append([])
            size = 0
        calls[-1].append(text)
        size += len(text.text)
    return calls


def _numbers(value: Any) -> Vectors | None:
    """A vector from a list of numbers or base64 of float32; None where it is none."""
    try:
        if isinstance(value, str):
            vector = np.frombuffer(base64.b64decode(value, validate=True), "<f4")
        else:
            vector = np.asarray(value, "<f4")
    except (ValueError, TypeError):
        return None
    usable = vector.ndim == 1 and vector.size and np.isfinite(vector).all() and vector.any()
    return vector.astype(np.float32) if usable else None
