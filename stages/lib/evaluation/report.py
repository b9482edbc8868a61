"""The report of an evaluation: one HTML file that needs no other."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stages.lib.core.collection import Corpus, Document
from stages.lib.evaluation.comparison import Evaluation
from stages.lib.evaluation.money import bills, in_money
from stages.lib.evaluation.opening import opening, points
from stages.lib.evaluation.served import SERVED
from stages.lib.evaluation.table import in_words, least_difference, p_value
from stages.lib.evaluation.variants import Serving
from stages.lib.package_params import Package
from stages.lib.params import Params
from stages.lib.search.measures import HEADLINE, NAMES

TOP = 5
"""Documents shown of each ranking."""


def render(
    evaluation: Evaluation,
    corpus: Corpus,
    params: Params,
    stages: Mapping[str, Any],
    serving: Serving | None,
    drawn: Mapping[str, str],
) -> str:
    """The report as HTML.

    Args:
        evaluation: the systems, among them `base`, `tuned` and the served one.
        corpus: the documents, for their titles.
        params: for the base model's name and the number of queries shown.
        stages: what the other stages measured, by the name of their file: any of prepare,
            rules, generate, select, mine, train and train_curve.
        serving: what exported variants and vector types reach, where that was measured.
        drawn: the pictures as SVG, by name.

    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "p_value": p_value,
        "in_words": in_words,
        "points": points,
        "text": _beginning,
    }
    deltas = evaluation.deltas(SERVED)
    order = sorted(deltas, key=lambda query_id: (deltas[query_id], query_id))
    shown = params.evaluate.shown
    summary, train = evaluation.summary(), stages.get("train", {})
    charged = bills(stages, params)
    return environment.get_template("report.html").render(
        opening=opening(summary, evaluation.basis.is_evidence, train.get("kept_base", False)),
        summary=summary,
        is_evidence=evaluation.basis.is_evidence,
        measures=NAMES,
        base=params.base,
        package=params.package,
        headline=HEADLINE,
        stages=stages,
        serving=serving,
        serving_needs=_serving_needs(serving, params.package),
        bills=charged,
        llm_cost=in_money(charged, stages.get("generate", {}).get("provider", "")),
        least=least_difference(summary["comparisons"][SERVED]),
        chosen_by=_chosen_by(train, summary, evaluation.basis.name),
        unjudged=unjudged_share(evaluation),
        pictures={name: _image(svg) for name, svg in drawn.items()},
        worst=[_query(evaluation, corpus, worst) for worst in order[:shown] if deltas[worst] < 0],
        best=[_query(evaluation, corpus, best) for best in order[::-1][:shown] if deltas[best] > 0],
    )


def unjudged_share(evaluation: Evaluation) -> float:
    """The share of what is served at the first ten ranks that nobody judged; it counts as wrong."""
    qrels = evaluation.basis.split.qrels
    shown = [
        doc_id not in qrels[query_id]
        for query_id, ranking in evaluation.runs[SERVED].items()
        for doc_id in list(ranking)[:10]
    ]
    return sum(shown) / len(shown) if shown else 0.0


def _serving_needs(serving: Serving | None, package: Package) -> str:
    """The size of the packaged model and of a passage's vector; "" where that is unknown."""
    model = serving.variants.get(package.variant, {}) if serving else {}
    kind = serving.vector_types.get(package.vector_type, {}) if serving else {}
    if "bytes" not in model or "bytes" not in kind:
        return ""
    return f"{model['bytes'] / 1e6:.0f} MB of model, {kind['bytes']:,} bytes a passage"


def _chosen_by(
    train: Mapping[str, Any], summary: Mapping[str, Any], basis: str
) -> list[tuple[str, int, float]]:
    """What ships on each kind of dev queries that chose it, and then on what is reported."""
    rows = [
        (f"dev, {kind}", count, train[f"{kind}_served"])
        for kind, count in train.get("dev", {}).items()
        if f"{kind}_served" in train
    ]
    reported = (basis, summary["queries"], summary["systems"][SERVED][HEADLINE])
    return [*rows, reported] if rows else []


def _query(evaluation: Evaluation, corpus: Corpus, query_id: str) -> dict[str, Any]:
    """What the report shows of a query: its rankings and its judged documents, with ranks."""
    judged = evaluation.basis.split.qrels[query_id]
    systems = (evaluation.against[SERVED], SERVED)
    ranks = {
        system: {
            doc_id: rank
            for rank, doc_id in enumerate(evaluation.runs[system].get(query_id, {}), start=1)
        }
        for system in systems
    }
    return {
        "query_id": query_id,
        "text": evaluation.basis.split.queries[query_id],
        "delta": evaluation.deltas(SERVED)[query_id],
        "scores": {system: evaluation.scores[system][HEADLINE][query_id] for system in systems},
        "tops": {
            system: [
                {"document": corpus[doc_id], "relevance": judged.get(doc_id)}
                for doc_id in list(ranks[system])[:TOP]
            ]
            for system in systems
        },
        "judged": [
            {
                "document": corpus[doc_id],
                "relevance": judged[doc_id],
                "ranks": {system: ranks[system].get(doc_id) for system in systems},
            }
            for doc_id in sorted(judged, key=lambda document: (-judged[document], document))
            if doc_id in corpus
        ],
    }


def _beginning(document: Document) -> str:
    """A document's title, or how its text begins."""
    text = document.title or document.text
    return text if len(text) <= 100 else text[:99] + "…"


def _image(svg: str) -> Markup:
    """A picture as the source of an `img`, which runs no script."""
    data = base64.b64encode(svg.encode()).decode()
    return Markup(f"data:image/svg+xml;base64,{data}")  # noqa: S704 - base64 has no markup
