"""Application packages, rendered from templates for the generations that they hold."""

import shutil
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from stages.lib.core.files import building, read_json, write_json
from stages.lib.errors import UserError
from stages.lib.params import Params
from stages.lib.search.linguistics import TAGS
from stages.lib.vespa.package.generation import Generation, from_dict
from stages.lib.vespa.package.tower import FILES, Tower

MANIFEST = "embedsmith.json"
CLUSTER = "content"
DOCUMENT_TYPE = "doc"
PROFILES = ("semantic", "hybrid", "rrf")
PROBE = "probe"  # ranks for nobody: it gives a query's vector back


@dataclass(frozen=True, slots=True)
class Application:
    """What is deployed: its generations, which of them serves, and which one served before.

    `fed` holds the hash of each feed that has been stored whole, by its name (`documents`, or a
    vector field), so that nothing is fed twice.
    """

    generations: tuple[Generation, ...]
    live: str
    previous: str | None = None
    fed: Mapping[str, str] = field(default_factory=dict)

    def generation(self, label: str) -> Generation:
        """The generation of a label."""
        return next(each for each in self.generations if each.label == label)

    @property
    def labels(self) -> list[str]:
        """The labels of all generations."""
        return [each.label for each in self.generations]

    @property
    def fields(self) -> set[str]:
        """The vector fields of all generations."""
        return {each.field for each in self.generations}

    def adding(self, generation: Generation) -> "Application":
        """The live generation and the way back with one more, which does not serve yet."""
        kept = self._keeping({self.live, self.previous})
        if generation.label not in [each.label for each in kept]:
            kept = (*kept, generation)
        # an index serves nobody, so that whatever comes takes its place at once
        live = self.live if self.generation(self.live).serves else generation.label
        # a field that is gone has lost what was fed to it
        return replace(self, generations=kept, live=live).knowing({})

    def _keeping(self, labels: Set[str | None]) -> tuple[Generation, ...]:
        return tuple(each for each in self.generations if each.label in labels or not each.serves)

    def serving(self, label: str) -> "Application":
        """Another generation live; the one that was stays as the way back, and no other."""
        if label == self.live:
            return self
        before = self.live if self.generation(self.live).serves else None
        return replace(
            self, generations=self._keeping({label, before}), live=label, previous=before
        )

    def knowing(self, fed: Mapping[str, str]) -> "Application":
        """The same with the hashes of further feeds that are stored whole."""
        known = {"documents"} | self.fields
        merged = {**self.fed, **fed}
        return replace(self, fed={key: merged[key] for key in sorted(merged) if key in known})

    def forgetting(self, feeds: Mapping[str, str]) -> "Application":
        """The same without the hashes of what these feeds are about to change.

        So that a run which ends half way leaves nothing behind that passes for whole. Other
        documents bring those that are removed, and with them vectors of every field.
        """
        if self.fed.get("documents") != feeds["documents"]:
            return replace(self, fed={})
        same = {name: found for name, found in self.fed.items() if feeds.get(name, found) == found}
        return replace(self, fed=same)

    def pruned(self) -> "Application":
        """The live generation alone."""
        alone = (self.generation(self.live),)
        return replace(self, generations=alone, previous=None).knowing({})

    def towers(self) -> dict[str, Tower]:
        """The embedders in use by hash; document towers of fed fields embed nothing."""
        used: dict[str, Tower] = {}
        for each in filter(lambda each: each.serves, self.generations):
            used[each.query.hash] = each.query
            if each.filling == "vespa":
                used[each.document.hash] = each.document
        return used


def read_application(folder: Path) -> Application:
    """Reads what a package holds from its manifest."""
    row = read_json(folder / MANIFEST)
    try:
        return Application(
            tuple(from_dict(each) for each in row["generations"]),
            row["live"],
            row["previous"],
            row["fed"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{folder / MANIFEST}: not a manifest of this version; deploy to a fresh application"
        ) from error


def write_application(
    folder: Path,
    application: Application,
    templates: Path,
    models: Mapping[str, Path],
    params: Params,
) -> None:
    """Writes a package that Vespa can deploy.

    Args:
        folder: the package's; replaced as a whole.
        application: what it holds.
        templates: the folder application-package.
        models: by tower hash, the folder of its model.onnx and tokenizer.json.
        params: bm25 and package.

    """
    with building(folder) as out:
        _services(out, application, templates, params)
        _schema(out, application, templates, params)
        _query_profiles(out, application, templates, params)
        for tower in sorted(application.towers()):
            target = out / "models" / tower
            target.mkdir(parents=True)
            for name in FILES:
                shutil.copyfile(models[tower] / name, target / name)
        manifest = {
            "live": application.live,
            "previous": application.previous,
            "fed": dict(application.fed),
            "generations": [each.as_dict() for each in application.generations],
        }
        write_json(out / MANIFEST, manifest)


def _services(out: Path, application: Application, templates: Path, params: Params) -> None:
    component = templates / "embedder.xml"
    towers = [each for _, each in sorted(application.towers().items())]
    nodes = _nodes(templates, params)
    values = {
        "embedders": "".join(_fill(component, _component(each)) for each in towers),
        "clients": _clients(templates, params),
        "nodes": nodes,
        "content_nodes": '    <nodes count="2"/>\n' if nodes else "",
    }
    _write_xml(out / "services.xml", _fill(templates / "services.xml", values))


def _clients(templates: Path, params: Params) -> str:
    """Who may read and write, where that is more than the certificate of the package."""
    token = params.package.token
    return _fill(templates / "clients.xml", {"token": quoteattr(token)}) if token else ""


def _nodes(templates: Path, params: Params) -> str:
    nodes = params.package.nodes
    return "" if nodes == "local" else _fill(templates / "nodes" / f"{nodes}.xml", {})


def _component(tower: Tower) -> dict[str, str]:
    settings = tower.settings
    prefixes = [("query", settings.query_prefix), ("document", settings.document_prefix)]
    # the prefix goes in as it is: its trailing space belongs to it
    lines = "".join(
        f"        <{side}>{escape(prefix)}</{side}>\n" for side, prefix in prefixes if prefix
    )
    return {
        "embedder": tower.embedder,
        "hash": tower.hash,
        "max_tokens": str(settings.max_tokens),
        # without this, Vespa would look for an input that the graph does not have
        "token_types": "" if settings.token_type_ids else "      <transformer-token-type-ids/>\n",
        "output": escape(settings.output),
        "pooling": settings.pooling,
        "normalize": str(settings.normalize).lower(),
        "prepend": f"      <prepend>\n{lines}      </prepend>\n" if lines else "",
    }


def _schema(out: Path, application: Application, templates: Path, params: Params) -> None:
    schemas = templates / "schemas"
    fed, embedded = (_fields(application, schemas, each) for each in ("fed", "vespa"))
    values = {
        "fed_fields": "".join(line.replace("\n  ", "\n    ") for line in fed),
        "embedded_fields": "".join(embedded),
        "language": TAGS[params.bm25.language],
        "k1": str(params.bm25.k1),
        "b": str(params.bm25.b),
    }
    _write(out / "schemas" / "doc.sd", _fill(schemas / "doc.sd", values))
    for generation in application.generations:
        for profile in (*PROFILES, PROBE):
            path = out / "schemas" / "doc" / f"{profile}_{generation.label}.profile"
            binary = profile == "semantic" and generation.binary
            template = schemas / f"{'binary' if binary else profile}.profile"
            text = _fill(template, _profile(generation, params))
            if not text.startswith("rank-profile "):
                raise UserError(f"{template}: rank-profile comes first, comments after it")
            _write(path, text)


def _fields(application: Application, schemas: Path, filling: str) -> Iterable[str]:
    """The declarations of the vector fields filled in this way; towers may share one."""
    chosen = {each.field: each for each in application.generations if each.filling == filling}
    for name, generation in sorted(chosen.items()):
        text = '(input title || "") . " " . (input text || "") | trim'
        embedding = f"{text} | embed {generation.document.embedder} | attribute | index"
        values = {
            "field": name,
            "tensor": generation.tensor,
            "indexing": "attribute | index" if filling == "fed" else embedding,
            "metric": generation.metric,
            "links": str(generation.links),
            "explore": str(generation.explore),
        }
        yield _fill(schemas / "vector.sd", values)


def _profile(generation: Generation, params: Params) -> dict[str, str]:
    weight, inputs = generation.dense_weight, generation.inputs.items()
    return {
        "label": generation.label,
        "field": generation.field,
        "dimension": str(generation.dimension),
        "inputs": "".join(f"    query({each}) {kind}\n" for each, kind in inputs),
        "targets": str(params.package.targets),
        "rerank": str(2 * params.package.targets),
        "dense_weight": f"{weight:g}",
        "lexical_weight": f"{1 - weight:g}",
    }


def _query_profiles(out: Path, application: Application, templates: Path, params: Params) -> None:
    source, target = (each / "search" / "query-profiles" for each in (templates, out))
    for generation in filter(lambda each: each.serves, application.generations):
        for profile in PROFILES:
            embedding = f"embed({generation.query.embedder}, @query)"
            values = _profile(generation, params) | {
                "near": next(iter(generation.inputs)),
                "embedded": "".join(
                    f'  <field name="ranking.features.query({each})">{embedding}</field>\n'
                    for each in generation.inputs
                ),
            }
            text = _fill(source / f"{profile}.xml", values)
            _write_xml(target / f"{profile}_{generation.label}.xml", text)
    language = {"language": TAGS[params.bm25.language]}
    _write_xml(target / "base.xml", _fill(source / "base.xml", language))
    lexical = _fill(source / "bm25.xml", {"targets": str(params.package.targets)})
    _write_xml(target / "bm25.xml", lexical)
    serves = application.generation(application.live).serves
    profile = f"{params.package.profile}_{application.live}" if serves else "bm25"
    live = {"live": quoteattr(profile)}
    _write_xml(target / "default.xml", _fill(source / "default.xml", live))


def _fill(path: Path, values: Mapping[str, Any]) -> str:
    try:
        return Template(path.read_text(encoding="utf-8")).substitute(values)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such template; git restores it") from error
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{path}: cannot be filled in ({error}); write $$ where a dollar sign is meant"
        ) from error


def _write_xml(path: Path, text: str) -> None:
    try:
        ElementTree.fromstring(text)  # noqa: S314 - a template of the user's own
    except ElementTree.ParseError as error:
        raise UserError(f"{path.name}: not XML once filled in ({error}); mend its template") from (
            error
        )
    _write(path, text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
