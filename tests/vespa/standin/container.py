"""The container and content nodes: documents, embedders and queries."""

import re
from typing import Any

import numpy as np

from stages.lib.params import Bm25
from stages.lib.search.bm25 import Lexical
from stages.lib.vespa.package.feed import floats
from tests.vespa.standin.neighbours import Neighbours
from tests.vespa.standin.package import Package, VectorField, VectorType
from tests.vespa.standin.ranking import bm25, reciprocal_ranks, two_phases, weighted
from tests.vespa.standin.runtime import Rejected, Runtime, Vector

PHASES = re.compile(
    r"1 - 2 \* sum\(hamming\(query\(q_bits\), attribute\(\w+\)\), x\) / (?P<first>\d+)\s.*"
    r"sum\(query\(q\) \* \(2 \* unpack_bits\(attribute\(\w+\), float\) - 1\), x\) / "
    r"sqrt\((?P<second>\d+)\)\s.*"
    r"first-phase \{\s+expression: agreement - (?P<below>\d+)\s.*"
    r"second-phase \{\s+rerank-count: (?P<count>\d+)\s+expression: cosine\s",
    re.DOTALL,
)
"""How bits are ranked; the arithmetic itself is done here."""


class Container:
    """Everything stored, and the package that serves."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.vectors: dict[str, dict[str, Vector]] = {}
        self.writes: dict[str, int] = {}
        self.serving: Package | None = None
        self.ann_misses: set[str] = set()
        self._runtimes: dict[str, Runtime] = {}
        self._lexical: tuple[Bm25, list[str], Lexical] | None = None
        self.changes = 0  # of what is stored or served
        self._kept: dict[str, tuple[Any, Neighbours]] = {}

    def serve(self, package: Package) -> None:
        before = self.serving.embedders if self.serving else {}
        self._runtimes = {  # what has not changed is kept, as a container does
            name: self._runtimes[name] if before.get(name) == each else Runtime(each)
            for name, each in package.embedders.items()
        }
        for name in set(self.vectors) - set(package.fields) - set(package.given):
            del self.vectors[name]
        self.serving = package
        self._lexical = None
        self.changes += 1

    def write(self, id: str, operation: dict[str, Any], method: str, create: bool) -> None:
        package = self._package()
        if method == "DELETE":
            self.documents.pop(id, None)
            for stored in self.vectors.values():
                stored.pop(id, None)
        else:
            values = operation["fields"]
            if method == "PUT":
                for name, value in values.items():
                    if set(value) != {"assign"}:
                        raise Rejected(f"Expected an operation for field '{name}'")
                values = {name: value["assign"] for name, value in values.items()}
                if id not in self.documents and not create:
                    return
            else:
                for name, found in package.fields.items():
                    if found.in_document:  # a put replaces the whole document
                        self.vectors.get(name, {}).pop(id, None)
                for name, found in package.given.items():
                    for each in (name, found.name):
                        self.vectors.get(each, {}).pop(id, None)
            self._store(package, id, values, method == "POST")
        self.writes[id] = self.writes.get(id, 0) + 1
        self._lexical = None
        self.changes += 1

    def _store(self, package: Package, id: str, values: dict[str, Any], replace: bool) -> None:
        vectors = {}
        for name, value in values.items():
            if name in package.strings:
                if not isinstance(value, str):
                    raise Rejected(f"Field '{name}' is a string")
            elif name in package.given:
                vectors[name] = self._vector(package.given[name], value)
                vectors[package.given[name].name] = vectors[name]
            elif name in package.fields and package.fields[name].in_document:
                vectors[name] = self._vector(package.fields[name], value)
            else:
                raise Rejected(f"No field '{name}' in the structure of type 'doc'")
        kept = {} if replace else self.documents.get(id, {})
        texts = {name: value for name, value in values.items() if name in package.strings}
        self.documents[id] = kept | texts
        for name, vector in vectors.items():
            self.vectors.setdefault(name, {})[id] = vector
        if texts:
            self._embed(package, id, values)

    @staticmethod
    def _vector(found: VectorField, value: Any) -> Vector:
        if not isinstance(value, dict) or not isinstance(value.get("values"), str):
            raise Rejected(f"Field '{found.name}': bad tensor")
        width = {"float": 8, "bfloat16": 4, "int8": 2}[found.type.cells]
        if len(value["values"]) != width * found.type.size:
            raise Rejected(f"Field '{found.name}': expected {found.type.size} values")
        if found.type.cells == "int8":
            return np.frombuffer(bytes.fromhex(value["values"]), dtype=np.int8)
        return floats(value["values"], found.type.cells)  # type: ignore[arg-type]

    def reindex(self, ids: list[str]) -> None:
        self.changes += 1
        for id in filter(self.documents.__contains__, ids):
            given = [name for name in self._package().given if id in self.vectors.get(name, {})]
            for name in given:
                field = self._package().given[name].name
                self.vectors.setdefault(field, {})[id] = self.vectors[name][id]
            self._embed(self._package(), id, self.documents[id] | dict.fromkeys(given))

    def _embed(self, package: Package, id: str, values: dict[str, Any]) -> None:
        """What indexing makes of the values that are written; the others it does not see."""
        for name, found in package.fields.items():
            # blank text is not embedded, and nobody else writes any
            waits = found.given and ("to_embed" in values or found.given in values)
            if found.embedder and not waits:
                runtime = self._runtimes[found.embedder]
                vector = runtime.embed(self._contents(id), "document", found.type)
                self.vectors.setdefault(name, {})[id] = vector

    def _contents(self, id: str) -> str:
        document = self.documents[id]
        return f"{document.get('title', '')} {document.get('text', '')}".strip()

    def _package(self) -> Package:
        if self.serving is None:
            raise Rejected("no application is deployed")
        return self.serving

    def search(self, request: dict[str, Any]) -> dict[str, Any]:
        package = self._package()
        name = request.get("queryProfile", "default")
        if "queryProfile" in request and name not in package.profiles:
            raise Rejected(f"Could not resolve query profile '{name}'")
        values = package.profiles.get(name, {}) | request
        hits = int(values.get("hits", 10))
        most = int(values.get("maxHits", 400))
        if hits > most:
            raise Rejected(f"{hits} hits requested, configured limit: {most}.")
        scores = self._scores(package, values)
        features = self._match_features(package, values)
        short = values.get("presentation.summary") == "ids"
        ranked = sorted(scores, key=lambda id: (-scores[id], id))[:hits]
        return {
            "root": {
                "id": "toplevel",
                "relevance": 1.0,
                "fields": {"totalCount": len(scores)},
                "coverage": {"coverage": 100, "documents": len(self.documents), "full": True},
                "children": [
                    {
                        "id": f"index:content/0/{index}",
                        "relevance": float(scores[id]),
                        "fields": self._summary(id, short) | features,
                    }
                    for index, id in enumerate(ranked)
                ],
            }
        }

    def _summary(self, id: str, short: bool) -> dict[str, Any]:
        """What is stored to be shown; of the summary `ids`, the doc_id alone."""
        document = self.documents[id]
        names = ["doc_id"] if short else ["doc_id", "title", "text"]
        return {name: document[name] for name in names if name in document}

    def _scores(self, package: Package, values: dict[str, Any]) -> dict[str, float]:
        yql = values["yql"]
        rank = values.get("ranking.profile", "default")
        if rank not in {*package.ranks, "unranked"}:
            raise Rejected(f"schema[doc] does not contain requested rank profile '{rank}'")
        if yql.endswith("where true"):
            return dict.fromkeys(self.documents, 0.0)
        near = re.search(r"\{([^{}]*)\}nearestNeighbor\((\w+), ?(\w+)\)", yql)
        cosines: dict[str, float] = {}
        agreements: dict[str, float] = {}
        matched: set[str] = set()
        if near:
            if near[2] not in package.fields:
                raise Rejected(f"'{near[2]}' is not an attribute")
            found = package.fields[near[2]]
            inputs = self._inputs(values, package.inputs[rank])
            if near[3] not in inputs:
                raise Rejected(f"nearestNeighbor requires 'query({near[3]})', which is not there")
            if inputs[near[3]].shape != (found.type.size,):
                raise Rejected(f"field type {found.type} does not match query({near[3]})")
            neighbours = self._neighbours(found)
            cosines, agreements = neighbours.scores(inputs)
            closeness = agreements or cosines
            exact, targets = "approximate:false" in near[1], _targets(near[1])
            there = [id for id in closeness if exact or id not in self.ann_misses]
            if not exact and len(there) > targets:
                more = re.search(r"hnsw\.exploreAdditionalHits:(\d+)", near[1])
                there = neighbours.walk(inputs, targets, int(more[1]) if more else 0)
            matched |= set(sorted(there, key=lambda id: (-closeness[id], id))[:targets])
        lexical: dict[str, float] = {}
        if "userInput(@query)" in yql:
            options = re.search(r"\{([^{}]*)\}userInput", yql)
            if options is None or "defaultIndex:'contents'" not in options[1]:
                raise Rejected("userInput searches the default fieldset, which is not there")
            lexical = self._lexical_scores(package, rank, str(values["query"]))
            found_ids = [id for id, score in lexical.items() if score > 0]
            best = sorted(found_ids, key=lambda id: (-lexical[id], id))
            matched |= set(best[: _targets(options[1])])
        mode = rank.split("_")[0]
        left, right = ({id: scores.get(id, 0.0) for id in matched} for scores in (cosines, lexical))
        if mode == "semantic" and agreements:
            phases = PHASES.search(package.ranks[rank])
            bits = str(8 * found.type.size)
            if phases is None or not phases["first"] == phases["second"] == bits:
                raise Rejected(f"rank profile '{rank}' does not rank by bits, then by numbers")
            count = values.get("ranking.rerankCount") or phases["count"]
            return two_phases(left, agreements, int(phases["below"]), int(count))
        if mode in {"semantic", "bm25"}:
            return left if mode == "semantic" else right
        if mode == "rrf":
            return reciprocal_ranks(left, right)
        weights = re.search(
            r"expression: ([\d.]+) \* normalize\w+\(cosine\) \+ ([\d.]+) \*", package.ranks[rank]
        )
        if weights is None:
            raise Rejected(f"rank profile '{rank}' has no global phase")
        return weighted(left, right, float(weights[1]), float(weights[2]))

    def _neighbours(self, found: VectorField) -> Neighbours:
        """A field's vectors as they are now, kept until one changes."""
        stored = self.vectors.get(found.name, {})
        state = (self.changes, len(stored))
        if self._kept.get(found.name, (None, None))[0] != state:
            self._kept[found.name] = (state, Neighbours(found, stored))
        return self._kept[found.name][1]

    def _inputs(self, values: dict[str, Any], declared: dict[str, VectorType]) -> dict[str, Vector]:
        """The query's tensors, of the types that the rank profile declares."""
        inputs = {}
        for key, given in values.items():
            named = re.fullmatch(r"(?:input|ranking\.features)\.query\((\w+)\)", key)
            if named is None:
                continue
            name = named[1]
            if name not in declared:
                raise Rejected(f"query({name}) is not declared in the rank profile")
            kind = declared[name]
            if isinstance(given, list):
                if len(given) != kind.size:
                    raise Rejected(f"Expected {kind.size} values for query({name})")
                inputs[name] = np.array(given, np.int8 if kind.cells == "int8" else np.float32)
                continue
            called = re.fullmatch(r"embed\((\w+), ?@query\)", str(given))
            if called is None or called[1] not in self._runtimes:
                raise Rejected(f"Could not set 'ranking.features.query({name})' to '{given}'")
            runtime = self._runtimes[called[1]]
            inputs[name] = runtime.embed(str(values["query"]), "query", kind)
        return inputs

    def _match_features(self, package: Package, values: dict[str, Any]) -> dict[str, Any]:
        """The query's tensors that the rank profile gives back with each hit."""
        rank = values.get("ranking.profile", "default")
        names = package.returned.get(rank, [])
        if not names:
            return {}
        inputs = self._inputs(values, package.inputs[rank])
        short = values.get("presentation.format.tensors") == "short-value"
        found = {}
        for name in names:
            kind = package.inputs[rank][name]
            cells = [float(each) for each in inputs.get(name, np.zeros(kind.size))]
            found[f"query({name})"] = cells if short else {"type": str(kind), "values": cells}
        return {"matchfeatures": found}

    def _lexical_scores(self, package: Package, rank: str, text: str) -> dict[str, float]:
        ids = list(self.documents)
        if not ids:
            return {}
        params = bm25(package, rank)
        if self._lexical is None or self._lexical[:2] != (params, ids):
            lexical = Lexical(ids, [self._contents(id) for id in ids], params)
            self._lexical = (params, ids, lexical)
        scores = self._lexical[2].scores([text])[0]
        return dict(zip(ids, map(float, scores), strict=True))


def _targets(options: str) -> int:
    found = re.search(r"totalTargetHits:(\d+)", options)
    if found is None:
        raise Rejected("nearestNeighbor and weakAnd need totalTargetHits here")
    return int(found[1])
