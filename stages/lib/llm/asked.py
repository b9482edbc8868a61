"""What became of a stage's questions."""

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Generic

from stages.lib.llm.answers import P
from stages.lib.llm.environment import host
from stages.lib.llm.messages import Response

SHOWN = 5
"""Models and hosts that the line of a stage names."""


@dataclass(slots=True)
class Asked(Generic[P]):
    """The usable parts of the answers, and what happened on the way."""

    answers: dict[str, list[dict[str, P]]] = field(default_factory=dict)
    """Parts by name of each question about a subject, by subject."""
    faults: Counter[str] = field(default_factory=Counter)
    """Answers by fault, those that were asked again included."""
    questions: int = 0
    unanswerable: int = 0
    """Questions that the provider has no answer to."""
    given_up: int = 0
    """Questions without a usable answer after the last attempt."""
    pending: int = 0
    """Questions whose answers a later run will have."""
    rejected: int = 0
    """Questions that the endpoint refuses to take."""
    responses: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    refusal: str = ""
    """The endpoint's words on the last question that it refused to take."""
    sample: str = ""
    """How the last unusable answer begins."""
    origins: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Responses by the model's name for itself and the host that answered ("" if unknown)."""
    damaged: int = 0
    """Stored rows that could not be read and counted as missing."""
    spent: float = 0.0
    """Money that this run paid, in the price table's currency; 0 where all was stored."""

    def note(self, response: Response) -> None:
        """Counts a response."""
        self.responses += 1
        self.prompt_tokens += response.prompt_tokens
        self.completion_tokens += response.completion_tokens
        self.origins[response.model, response.endpoint] += 1

    def faults_message(self) -> str:
        """The faults with their counts, for an error."""
        kinds = dict(self.faults) | {"without an answer": self.unanswerable + self.rejected}
        counts = ", ".join(f"{count} {name}" for name, count in kinds.items() if count)
        if not self.refusal:
            return counts
        return (
            f"{counts}; the endpoint says: {self.refusal}; to ask anew, change what is asked, the "
            "prompt or llm.temperature for instance"
        )

    def summary(self) -> str:
        """What a stage says of its questions in its one line."""
        refused = self.faults["refused"] + self.rejected
        money = f", {self.spent:.4f} spent" if self.spent else ""
        damaged = f", {self.damaged:,} damaged rows count as missing" if self.damaged else ""
        return f"{refused:,} refused, {self.given_up:,} given up{money}{damaged}{self._mixture()}"

    def _mixture(self) -> str:
        """Says whose answers these are where not all are of the endpoint that is named now."""
        now = host() if os.environ.get("OPENAI_BASE_URL") else ""
        models = {model for model, _ in self.origins}
        hosts = {name for _, name in self.origins if name}
        if len(models) < 2 and (not hosts or len(hosts | {now or min(hosts)}) < 2):
            return ""
        whose = ", ".join(
            f"{model} of {name or 'a host not noted'} ({count:,})"
            for (model, name), count in sorted(self.origins.items())[:SHOWN]
        )
        return f"; answers are by {whose}{now and f', OPENAI_BASE_URL names {now}'}"

    def metrics(self) -> dict[str, object]:
        """The counts; all of them follow from the responses alone, stored or new."""
        models: Counter[str] = Counter()
        for (model, _), count in self.origins.items():
            models[model] += count
        return {
            "questions": self.questions,
            "answered": sum(map(len, self.answers.values())),
            "unanswerable": self.unanswerable,
            "rejected": self.rejected,
            "given_up": self.given_up,
            "faults": dict(sorted(self.faults.items())),
            "responses": self.responses,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "models": dict(sorted(models.items())),
        }
