"""Vespa behind the search interface: a rank profile, asked by text or by vector."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from vespa.application import Vespa
from vespa.exceptions import VespaError

from stages.lib.core.collection import Queries
from stages.lib.encoding.encoder import Vectors
from stages.lib.errors import UserError
from stages.lib.search.engine import Run
from stages.lib.vespa.search.connection import Connection, unreachable
from stages.lib.vespa.search.profile import Profile

Kind = Literal["bm25", "semantic", "hybrid", "rrf"]

BLOCK = 1000  # queries whose answers are held at a time

SELECT = "select * from doc where "
LEXICAL = (
    "{{grammar.syntax:'none',grammar.tokenization:'linguistics',grammar.composite:'weakAnd',"
    "defaultIndex:'contents',totalTargetHits:{targets}}}userInput(@query)"
)
NEAREST = "{{totalTargetHits:{targets},{how}}}nearestNeighbor({field},{near})"
EXACT = "approximate:false"
EXPLORE = "hnsw.exploreAdditionalHits:{number}"


@dataclass(frozen=True, slots=True)
class Ranking:
    """What to rank by: a rank profile over a vector field, or BM25, which needs no field.

    `exact` compares with every vector instead of walking the HNSW graph. With `encode`, queries
    become vectors here; without it, in Vespa by the profile's embedder. Each retriever finds
    `targets` candidates, or as many as are asked for where those are more; the graph's looks at
    `additional_hits` neighbours beyond.
    """

    kind: Kind
    profile: Profile | None = None
    exact: bool = False
    encode: Callable[[Sequence[str]], Vectors] | None = None
    targets: int = 0
    additional_hits: int = 0

    def requests(self, texts: Sequence[str], depth: int) -> Iterator[dict[str, Any]]:
        """The query API's parameters for each text, which goes in by reference alone."""
        vectors = self.encode(texts) if self.encode else [None] * len(texts)
        targets = max(depth, self.targets)
        for text, vector in zip(texts, vectors, strict=True):
            request = {
                "queryProfile": "base",
                "yql": SELECT + self._condition(targets),
                "query": text,
                "hits": depth,
                "presentation.summary": "ids",
                "ranking.profile": self._name,
            }
            if self.profile:
                for name in self.profile.inputs:
                    request[f"input.query({name})"] = (
                        f"embed({self.profile.embedder}, @query)"
                        if vector is None
                        else [float(value) for value in vector]
                    )
                request["ranking.rerankCount"] = targets
                request["ranking.globalPhase.rerankCount"] = 2 * targets
            yield request

    @property
    def _name(self) -> str:
        return f"{self.kind}_{self.profile.label}" if self.profile else "bm25"

    def _condition(self, targets: int) -> str:
        lexical = LEXICAL.format(targets=targets)
        if self.profile is None:
            return lexical
        how = EXACT if self.exact else EXPLORE.format(number=self.additional_hits)
        nearest = _nearest(self.profile, targets, how)
        return nearest if self.kind == "semantic" else f"({nearest}) or ({lexical})"


def _nearest(profile: Profile, targets: int, how: str) -> str:
    return NEAREST.format(targets=targets, how=how, field=profile.field, near=profile.near)


class VespaEngine:
    """Search by a rank profile of a deployed application."""

    def __init__(self, connection: Connection, ranking: Ranking) -> None:
        self._connection = connection
        self._ranking = ranking

    def search(self, queries: Queries, depth: int) -> Run:
        """The best `depth` documents of each query; ties by doc_id."""
        run: Run = {}
        query_ids = list(queries)
        for start in range(0, len(query_ids), BLOCK):
            block = query_ids[start : start + BLOCK]
            texts = [queries[query_id] for query_id in block]
            requests = list(self._ranking.requests(texts, depth))
            for query_id, answer in zip(block, ask(self._connection, requests), strict=True):
                hits = [
                    (hit["fields"]["doc_id"], float(hit["relevance"]))
                    for hit in answer["root"].get("children", [])
                ]
                run[query_id] = dict(sorted(hits, key=lambda hit: (-hit[1], hit[0])))
        return run


def ask(connection: Connection, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers to query API requests, in their order.

    Raises:
        UserError: nobody answers, a request is refused, or an answer covers a part of the
            documents only.

    """
    given = connection.credentials
    app = Vespa(
        url=connection.endpoint,
        cert=given.certificate,
        key=given.key,
        vespa_cloud_secret_token=given.token,
    )
    authority = {"ca_cert_file": given.authority} if given.authority else {}
    try:
        answers = app.query_many(requests, max_concurrent=16, client_kwargs=authority)
    except VespaError as error:
        raise UserError(_refused(connection, str(error))) from error
    except Exception as error:
        # the client raises its transport's own errors, which have no common base
        raise UserError(unreachable(connection.endpoint, _reason(error))) from error
    return [_checked(connection, answer.json) for answer in answers]


def _reason(error: BaseException) -> str:
    return " ".join(str(error.__cause__ or error).split())[:300]


def _checked(connection: Connection, answer: dict[str, Any]) -> dict[str, Any]:
    errors = answer["root"].get("errors")
    if errors:
        raise UserError(_refused(connection, errors[0].get("message") or errors[0]["summary"]))
    coverage = answer["root"].get("coverage", {})
    if not coverage.get("full", True):
        raise UserError(
            f"{connection.endpoint}: only {coverage.get('coverage')}% of the documents were "
            "searched; wait until all nodes are up"
        )
    return answer


def _refused(connection: Connection, reason: str) -> str:
    return (
        f"{connection.endpoint}: the query is refused ({reason}); if it lacks the field or the "
        "profile, run make index (for engine: vespa) or make deploy"
    )


def count(connection: Connection, condition: str, extra: dict[str, Any] | None = None) -> int:
    """The number of documents that match a condition of our own making."""
    request = {"queryProfile": "base", "yql": SELECT + condition, "hits": 0}
    (answer,) = ask(connection, [request | (extra or {})])
    return int(answer["root"]["fields"]["totalCount"])


def count_documents(connection: Connection) -> int:
    """The number of documents in Vespa."""
    return count(connection, "true", {"ranking.profile": "unranked"})


def count_vectors(connection: Connection, profile: Profile, documents: int) -> int:
    """The number of documents that have a vector of a profile's field.

    An exact search that asks for as many neighbours as there are documents matches just these.
    """
    any_vector = {
        f"input.query({name})": [1] + [0] * (tensor.size - 1)
        for name, tensor in profile.inputs.items()
    }
    return count(
        connection,
        _nearest(profile, max(1, documents), EXACT),
        any_vector | {"ranking.profile": f"semantic_{profile.label}"},
    )
