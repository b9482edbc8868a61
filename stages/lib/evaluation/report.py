"""The report of an evaluation: one HTML file that needs no other."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stages.lib.core.collection import Corpus, Document
from stages.lib.evaluation import plots
from stages.lib.evaluation.comparison import Evaluation
from stages.lib.evaluation.served import SERVED
from stages.lib.evaluation.table import in_words, p_value
from stages.lib.evaluation.variants import Serving
from stages.lib.params import Params
from stages.lib.search.measures import HEADLINE, NAMES

TOP = 5
"""Documents shown of each ranking."""


def render(
    evaluation: Evaluation,
    corpus: Corpus,
    params: Params,
    stages: Mapping[str, Any],
    serving: Serving | None = None,
) -> str:
    """The report as HTML.

    Args:
        evaluation: the systems, among them `base`, `tuned` and the served one.
        corpus: the documents, for their titles.
        params: for the base model's name and the number of queries shown.
        stages: what the other stages measured, by the name of their file: any of prepare,
            rules, generate, select, mine, train and train_curve.
        serving: what exported variants and vector types reach, where that was measured.

    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"p_value": p_value, "in_words": in_words, "text": _beginning}
    deltas, rival = evaluation.deltas(SERVED), evaluation.against[SERVED]
    order = sorted(deltas, key=lambda query_id: (deltas[query_id], query_id))
    shown = params.evaluate.shown
    candidates = stages.get("train_curve")
    return environment.get_template("report.html").render(
        summary=evaluation.summary(),
        is_evidence=evaluation.basis.is_evidence,
        measures=NAMES,
        base=params.base,
        package=params.package,
        headline=HEADLINE,
        stages=stages,
        serving=serving,
        deltas_picture=_image(
            plots.deltas(list(deltas.values()), f"{NAMES[HEADLINE]}: {SERVED} - {rival}")
        ),
        candidates_picture=_image(
            plots.candidates(candidates, stages.get("train", {}).get("chosen", ""))
        )
        if candidates
        else None,
        trade_picture=_image(plots.trade(serving.vector_types)) if serving else None,
        worst=[_query(evaluation, corpus, worst) for worst in order[:shown] if deltas[worst] < 0],
        best=[_query(evaluation, corpus, best) for best in order[::-1][:shown] if deltas[best] > 0],
    )


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
