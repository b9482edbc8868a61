"""What people decided about examples, and Argilla's files on the way there and back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from stages.lib.core.text import one_line
from stages.lib.errors import UserError
from stages.lib.people.argilla import read_records
from stages.lib.people.reviews import Decision, as_decision
from stages.lib.synthetic.rows import Row

DATASET = "examples"
"""What the dataset is called where nobody gives it another name."""
MEANINGS = {
    "keep": "Keep: the text, what belongs to it and what does not are right",
    "edit": "Edit: right once the text has the words that stand in the last question",
    "drop": "Drop: wrong, pointless, or harmful",
}
"""The decisions about an example."""
GUIDELINES = (
    "Each record is an example of a task, from which a text embedding model learns. Does the "
    "positive belong to the text, as the task says, and does the negative not? Keep what is good "
    "enough to learn from, put the text into better words where only they are at fault, and drop "
    "the rest."
)
FIELDS = {
    "task": "Task",
    "query": "Text",
    "positive": "Belongs to it",
    "negative": "Does not belong to it",
}
"""What a record shows, with its title."""
DISTRIBUTION = {"strategy": "overlap", "min_submitted": 1}
"""How many people answer a record before it counts as done."""


def reviewed(
    by_family: Mapping[str, Sequence[Row]], decisions: Mapping[str, Decision]
) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """The rows as people want them, and how many are reviewed, edited and dropped.

    An edited row keeps its id, so that what was decided about it still counts.
    """
    counts = {"reviewed": 0, "edited": 0, "dropped": 0}
    kept: dict[str, list[Row]] = {}
    for name, some in by_family.items():
        kept[name] = []
        for row in some:
            decision = decisions.get(row["id"])
            counts["reviewed"] += decision is not None
            if decision is not None and not decision.good:
                counts["dropped"] += 1
                continue
            if decision is not None and decision.decision == "edit":
                counts["edited"] += 1
                row = row | {"query": one_line(decision.text)}
            kept[name].append(row)
    return {name: some for name, some in kept.items() if some}, counts


def as_records(
    by_family: Mapping[str, Iterable[Row]], decisions: Mapping[str, Decision]
) -> list[dict[str, Any]]:
    """Records of Argilla 2: what an example shows, and as suggestions the text and the decision.

    A response belongs to a person of the server that it is brought to, whom no file knows.
    """
    records = []
    for family, some in by_family.items():
        for row in some:
            decision = decisions.get(row["id"])
            given = {"text": row["query"]} | (_answer(decision) if decision else {})
            shown = {"task": row["task"], "query": row["query"], "positive": row["pos"][0]}
            score = {"similarity": row["score"]} if "score" in row else {}
            records.append(
                {
                    "id": row["id"],
                    "fields": shown | ({"negative": row["neg"][0]} if row["neg"] else {}),
                    "metadata": {"family": family, **score},
                    "suggestions": {
                        name: {"value": value, "score": None, "agent": None}
                        for name, value in sorted(given.items())
                    },
                    "responses": {},
                    "vectors": {},
                }
            )
    return records


def as_answers(decisions: Mapping[str, Decision]) -> dict[str, dict[str, str]]:
    """What was decided, as values by question, by the record's id."""
    return {name: _answer(decision) for name, decision in decisions.items()}


def as_settings() -> dict[str, Any]:
    """The dataset's settings, as `Settings.from_json` of Argilla 2 reads them."""
    fields = [
        {
            "name": name,
            "title": title,
            "required": name != "negative",
            "settings": {"type": "text", "use_markdown": False},
        }
        for name, title in FIELDS.items()
    ]
    options = [
        {"value": name, "text": text, "description": None} for name, text in MEANINGS.items()
    ]
    choice = {"type": "label_selection", "options": options, "visible_options": len(options)}
    questions = [
        {
            "name": "decision",
            "title": "What becomes of the example?",
            "description": None,
            "required": True,
            "settings": choice,
        },
        {
            "name": "text",
            "title": "The text in better words",
            "description": "Counts with the decision Edit alone",
            "required": False,
            "settings": {"type": "text", "use_markdown": False},
        },
    ]
    return {
        "guidelines": GUIDELINES,
        "allow_extra_metadata": True,
        "distribution": DISTRIBUTION,
        "fields": fields,
        "questions": questions,
        "metadata": [
            {
                "name": "family",
                "title": "Family",
                "visible_for_annotators": True,
                "settings": {"type": "terms", "values": None},
            }
        ],
        "vectors": [],
    }


def as_dataset() -> dict[str, Any]:
    """The dataset's own entry, as `Dataset.from_disk` of Argilla 2 reads it."""
    return {
        "name": DATASET,
        "guidelines": GUIDELINES,
        "allow_extra_metadata": True,
        "distribution": DISTRIBUTION,
    }


def read_reviews(given: str, ids: Iterable[str]) -> Iterator[Decision]:
    """The decisions in a list of records about these examples.

    Raises:
        UserError: it is no such list, or a record is about no example, or decides what is not
            offered.

    """
    known = set(ids)
    for row in read_records(given):
        name, decision = row["query_id"], row["decision"]
        if name not in known:
            raise UserError(f"record {name!r} is about none of the examples; are these its files?")
        if decision not in MEANINGS:
            raise UserError(f"record {name!r}: expected {', '.join(MEANINGS)}, got {decision!r}")
        text = row["text"] if decision == "edit" else ""
        try:
            yield as_decision({"query_id": name, "decision": decision, "text": text})
        except ValueError as error:
            raise UserError(f"record {name!r}: {error}") from error


def _answer(decision: Decision) -> dict[str, str]:
    """A decision by question; the text is that of an edit alone."""
    given = {"decision": decision.decision, "text": decision.text}
    return {name: value for name, value in given.items() if value}
