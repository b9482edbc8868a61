"""Application packages, rendered from templates for the models and indexes that they hold."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from stages.lib.core.files import building, write_json
from stages.lib.errors import UserError
from stages.lib.search.linguistics import TAGS
from stages.lib.vespa.package.application import Application
from stages.lib.vespa.package.manifest import MANIFEST, Manifest
from stages.lib.vespa.package.served import USUAL_GRAPH, ServedModel, Serving
from stages.lib.vespa.package.templates import fill, write_text, write_xml
from stages.lib.vespa.package.tower import FILES, Tower
from stages.lib.vespa.search.profile import Profile

PROFILES = ("semantic", "hybrid", "rrf")
STORED = "indexing: attribute | index"
TEXT = '(input title || "") . " " . (input text || "")'
EMBEDDED = "indexing: {text} | trim | embed {embedder} | attribute | index"
EITHER = (
    "indexing: input {given} || ((input to_embed || ({text})) | trim | embed {embedder}) | "
    "attribute | index"
)
"""The vector that is fed; without one, that of the text, unless it is to wait for being fed."""

PROBE = "probe"  # ranks for nobody: it gives a query's vector back


def write_application(
    folder: Path, manifest: Manifest, templates: Path, models: Mapping[str, Path]
) -> None:
    """Writes a package that Vespa can deploy.

    Args:
        folder: the package's; replaced as a whole.
        manifest: what it holds, and who changes it.
        templates: the folder application-package.
        models: by tower hash, the folder of its model.onnx and tokenizer.json.

    """
    with building(folder) as out:
        _Rendering(out, manifest.application, templates).write()
        for tower in sorted(manifest.application.towers()):
            target = out / "models" / tower
            target.mkdir(parents=True)
            for name in FILES:
                shutil.copyfile(models[tower] / name, target / name)
        write_json(out / MANIFEST, manifest.as_dict())


@dataclass(frozen=True, slots=True)
class _Rendering:
    """One package in the making."""

    out: Path
    application: Application
    templates: Path

    def write(self) -> None:
        """Writes services.xml, the schema with its rank profiles, and the query profiles."""
        self._services()
        self._schema()
        for model in self.application.models:
            self._rank_profiles(model)
            self._query_profiles(model)
        for index in self.application.indexes:
            self._rank_profile("semantic", index, self._search(index, Serving()))
        self._common_query_profiles()

    def _services(self) -> None:
        towers = sorted(self.application.towers().items())
        component, ground = self.templates / "embedder.xml", self.application.ground
        nodes, clients = "", ""
        if ground.nodes != "local":
            nodes = fill(self.templates / "nodes" / f"{ground.nodes}.xml", {})
        if ground.token:  # who may read and write beside the certificate of the package
            clients = fill(self.templates / "clients.xml", {"token": quoteattr(ground.token)})
        values = {
            "embedders": "".join(fill(component, _component(tower)) for _, tower in towers),
            "clients": clients,
            "nodes": nodes,
            "content_nodes": '    <nodes count="2"/>\n' if nodes else "",
        }
        write_xml(self.out / "services.xml", fill(self.templates / "services.xml", values))

    def _schema(self) -> None:
        # by name, since towers may share a field
        fed, embedded = {}, {}
        for index in self.application.indexes:
            fed[index.field] = self._field(index, STORED, *USUAL_GRAPH)
        for model in self.application.models:
            graph = model.links, model.explore
            embedded_by = {"text": TEXT, "embedder": model.document.embedder}
            if model.embeds_new:
                given = {"field": model.fed_field, "tensor": model.profile.tensor}
                fed[model.field] = fill(self.templates / "schemas" / "given.sd", given)
                indexing = EITHER.format(given=model.fed_field, **embedded_by)
                embedded[model.field] = self._field(model.profile, indexing, *graph)
            elif model.filling == "fed":
                fed[model.field] = self._field(model.profile, STORED, *graph)
            else:
                indexing = EMBEDDED.format(**embedded_by)
                embedded[model.field] = self._field(model.profile, indexing, *graph)
        values = {
            # the fed ones lie in the document, one step further in
            "fed_fields": "".join(fed[name].replace("\n  ", "\n    ") for name in sorted(fed)),
            "embedded_fields": "".join(embedded[name] for name in sorted(embedded)),
            "language": TAGS[self.application.ground.language],
            "k1": self.application.ground.k1,
            "b": self.application.ground.b,
        }
        text = fill(self.templates / "schemas" / "doc.sd", values)
        write_text(self.out / "schemas" / "doc.sd", text)

    def _field(self, profile: Profile, indexing: str, links: int, explore: int) -> str:
        """The declaration of a vector field."""
        values = {
            "field": profile.field,
            "tensor": profile.tensor,
            "indexing": indexing,
            "metric": profile.metric,
            "links": links,
            "explore": explore,
        }
        return fill(self.templates / "schemas" / "vector.sd", values)

    def _rank_profiles(self, model: ServedModel) -> None:
        for kind in (*PROFILES, PROBE):
            values = self._search(model.profile, model.serving) | _weights(model)
            self._rank_profile(kind, model.profile, values)

    def _rank_profile(self, kind: str, profile: Profile, values: Mapping[str, object]) -> None:
        binary = kind == "semantic" and profile.binary
        template = self.templates / "schemas" / f"{'binary' if binary else kind}.profile"
        text = fill(template, values)
        if not text.startswith("rank-profile "):
            raise UserError(f"{template}: rank-profile comes first, comments after it")
        write_text(self.out / "schemas" / "doc" / f"{kind}_{profile.label}.profile", text)

    def _query_profiles(self, model: ServedModel) -> None:
        profile = model.profile
        inputs = "".join(
            f'  <field name="ranking.features.query({name})">'
            f"embed({profile.embedder}, @query)</field>\n"
            for name in profile.inputs
        )
        for kind in PROFILES:
            near = {"near": profile.near, "explore": model.additional_hits, "embedded": inputs}
            values = self._search(profile, model.serving) | near
            self._query_profile(f"{kind}.xml", f"{kind}_{profile.label}.xml", values)

    def _common_query_profiles(self) -> None:
        application, ground = self.application, self.application.ground
        default = "bm25"
        if application.live:
            default = f"{application.model(application.live).serving.profile}_{application.live}"
        self._query_profile("base.xml", "base.xml", {"language": TAGS[ground.language]})
        self._query_profile("bm25.xml", "bm25.xml", {"targets": ground.targets})
        self._query_profile("default.xml", "default.xml", {"live": quoteattr(default)})

    def _query_profile(self, template: str, name: str, values: Mapping[str, object]) -> None:
        folder = Path("search", "query-profiles")
        write_xml(self.out / folder / name, fill(self.templates / folder / template, values))

    def _search(self, profile: Profile, serving: Serving) -> dict[str, object]:
        """What the templates of a search say."""
        targets = serving.targets
        return {
            "label": profile.label,
            "field": profile.field,
            "dimension": profile.dimension,
            "inputs": "".join(
                f"    query({name}) {tensor}\n" for name, tensor in profile.inputs.items()
            ),
            "targets": targets,
            "rerank": 2 * targets,
            "k1": serving.k1,
            "b": serving.b,
        }


def _weights(model: ServedModel) -> dict[str, object]:
    weight = model.dense_weight
    return {"dense_weight": f"{weight:g}", "lexical_weight": f"{1 - weight:g}"}


def _component(tower: Tower) -> dict[str, object]:
    settings = tower.settings
    prefixes = [("query", settings.query_prefix), ("document", settings.document_prefix)]
    # the prefix goes in as it is: its trailing space belongs to it
    lines = "".join(
        f"        <{side}>{escape(prefix)}</{side}>\n" for side, prefix in prefixes if prefix
    )
    return {
        "embedder": tower.embedder,
        "hash": tower.hash,
        "max_tokens": settings.max_tokens,
        # without this, Vespa would look for an input that the graph does not have
        "token_types": "" if settings.token_type_ids else "      <transformer-token-type-ids/>\n",
        "output": escape(settings.output),
        "pooling": settings.pooling,
        "normalize": str(settings.normalize).lower(),
        "prepend": f"      <prepend>\n{lines}      </prepend>\n" if lines else "",
    }
