"""The tuned model's answers beside the base's: means, paired tests, and what changed most."""

from collections.abc import Mapping, Sequence
from math import exp
from typing import Any

from stages.lib.answering.answers import Answer, References
from stages.lib.answering.measures import LIKELIHOOD, NAMES
from stages.lib.evaluation.significance import Comparison, compare
from stages.lib.search.metrics import PerQuery, mean

BASE, TUNED = "base", "tuned"
SHOWN = 3
"""Questions that the report shows of those that gained most, and of those that lost most."""
DECIDING = ("correctness", "token_f1")
"""What tells whether an answer has become better: the first of these that was measured."""

Measured = Mapping[str, Mapping[str, PerQuery]]
"""Values by query_id, by measure, by system."""


def summary(measures: Measured, resamples: int, seed: int) -> dict[str, Any]:
    """The systems' means, and each measure's paired comparison, with Holm's allowance for all."""
    tested = [name for name in (*NAMES, LIKELIHOOD) if measures[BASE].get(name)]
    names = [name for name in tested if name in NAMES]
    values = {f"{system} {name}": measures[system][name] for system in measures for name in tested}
    compared = compare(
        values, {f"{TUNED} {name}": f"{BASE} {name}" for name in tested}, resamples, seed
    )
    return _perplexity(values, compared) | {
        "systems": {
            system: {name: round(mean(values[f"{system} {name}"]), 6) for name in names}
            for system in measures
        },
        "comparisons": {name: compared[f"{TUNED} {name}"].as_dict() for name in names},
        "names": {name: NAMES[name] for name in names},
        "deciding": next(name for name in DECIDING if name in names),
    }


def _perplexity(
    values: Mapping[str, PerQuery], compared: Mapping[str, Comparison]
) -> dict[str, Any]:
    """What the reference answers are to a language model, where one read them; lower is better.

    The test is of the log-probabilities. A ratio is that of the perplexities, tuned to base.
    """
    row = compared.get(f"{TUNED} {LIKELIHOOD}")
    if row is None:
        return {}
    systems = {name: exp(-mean(values[f"{name} {LIKELIHOOD}"])) for name in (BASE, TUNED)}
    ratios = {"ratio": -row.difference, "low": -row.high, "high": -row.low}
    return {
        "perplexity": {
            **{name: round(value, 6) for name, value in systems.items()},
            **{name: round(exp(value), 6) for name, value in ratios.items()},
            "log_probability": row.as_dict(),
        }
    }


def headline(figures: Mapping[str, Any]) -> str:
    """What a stage says of the answers in its one line."""
    name = figures["deciding"]
    row = figures["comparisons"][name]
    before, after = (figures["systems"][system][name] for system in (BASE, TUNED))
    read = figures.get("perplexity")
    return (
        f"{NAMES[name]} {before:.4f} from base's passages, {after:.4f} from tuned's "
        f"({row['difference']:+.4f}, 95% interval {row['low']:+.4f} to {row['high']:+.4f})"
    ) + (f", perplexity of the references {read[BASE]:.2f} to {read[TUNED]:.2f}" if read else "")


def rows(
    texts: Mapping[str, str],
    references: References,
    answers: Mapping[str, Mapping[str, Answer]],
    measures: Measured,
    asked: Sequence[str],
) -> list[dict[str, Any]]:
    """A row a question: what was asked, both answers with their passages, and what is measured."""
    return [
        {
            "query_id": query_id,
            "question": texts[query_id],
            "references": list(references[query_id]),
            "answers": {
                system: {
                    "text": found[query_id].text,
                    "doc_ids": list(found[query_id].doc_ids),
                    "cited": list(found[query_id].cited),
                    "measures": {
                        name: round(values[query_id], 6)
                        for name, values in measures[system].items()
                        if query_id in values
                    },
                }
                for system, found in answers.items()
            },
        }
        for query_id in sorted(asked)
    ]


def changed(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows whose answers gained most and lost most, from gain to loss."""
    deltas = {row["query_id"]: delta for row in rows if (delta := _delta(row))}
    by_id = {row["query_id"]: row for row in rows}
    order = sorted(deltas, key=lambda query_id: (-deltas[query_id], query_id))
    gained = [query_id for query_id in order if deltas[query_id] > 0][:SHOWN]
    lost = [query_id for query_id in order if deltas[query_id] < 0][-SHOWN:]
    return [by_id[query_id] | {"delta": round(deltas[query_id], 6)} for query_id in gained + lost]


def _delta(row: dict[str, Any]) -> float:
    base, tuned = (row["answers"][system]["measures"] for system in (BASE, TUNED))
    name = next(name for name in DECIDING if name in base)
    return float(tuned[name] - base[name])
