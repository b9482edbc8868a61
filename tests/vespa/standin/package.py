"""An application package as the config server sees it: parsed, and refused where Vespa would."""

import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import onnx

from tests.vespa.standin.grammar import Refused, check_schema, check_services

__all__ = ["Package", "Refused", "manifest", "read_package"]


@dataclass(frozen=True)
class VectorType:
    cells: str
    size: int

    def __str__(self) -> str:
        return f"tensor<{self.cells}>(x[{self.size}])"


@dataclass(frozen=True)
class VectorField:
    name: str
    type: VectorType
    metric: str
    links: int
    explored: int
    in_document: bool
    embedder: str | None
    given: str | None
    """The field of the document that a vector is taken from, if the document brings one."""


@dataclass(frozen=True)
class Embedder:
    model: bytes
    tokenizer: str
    max_tokens: int
    pooling: str
    normalize: bool
    prefixes: dict[str, str]
    inputs: tuple[str, ...]
    output: str


@dataclass
class Package:
    files: dict[str, bytes]
    embedders: dict[str, Embedder] = field(default_factory=dict)
    fields: dict[str, VectorField] = field(default_factory=dict)
    given: dict[str, VectorField] = field(default_factory=dict)
    """By the name that is fed: the field that is searched."""
    strings: set[str] = field(default_factory=set)
    ranks: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, dict[str, VectorType]] = field(default_factory=dict)
    returned: dict[str, list[str]] = field(default_factory=dict)
    profiles: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def schema(self) -> str:
        return self.files["schemas/doc.sd"].decode()


def read_package(body: bytes) -> Package:
    try:
        archive = zipfile.ZipFile(io.BytesIO(body))
    except zipfile.BadZipFile as error:
        raise Refused("Error preprocessing application package: not a zip") from error
    package = Package(
        {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    )
    for name in ("services.xml", "schemas/doc.sd"):
        if name not in package.files:
            raise Refused(f"Invalid application: {name} is missing")
    _read_services(package)
    _read_schema(package)
    _read_query_profiles(package)
    return package


def _xml(package: Package, name: str) -> Any:
    try:
        return ElementTree.fromstring(package.files[name])  # noqa: S314 - made by the tests
    except ElementTree.ParseError as error:
        raise Refused(f"Invalid application: {name}: {error}") from error


def _read_services(package: Package) -> None:
    root = _xml(package, "services.xml")
    check_services(root)
    for wanted in ("container/search", "container/document-api", "content/documents/document"):
        if root.find(wanted) is None:
            raise Refused(f"Invalid application: services.xml lacks {wanted}")
    for component in root.findall("container/component"):
        name = component.get("id")
        if name in package.embedders:
            raise Refused(f"Multiple definitions of component {name!r}")
        package.embedders[name] = _embedder(package, component)


def _embedder(package: Package, component: Any) -> Embedder:
    text = {each.tag: each.text or "" for each in component}
    paths = [component.find(tag).get("path") for tag in ("transformer-model", "tokenizer-model")]
    for path in paths:
        if path not in package.files:
            raise Refused(f"Invalid application: no such file in the package: {path}")
    model, tokenizer = (package.files[path] for path in paths)
    graph = onnx.load_model_from_string(model).graph
    inputs = [
        text.get(f"transformer-{name.replace('_', '-')}", name)
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    wanted = [name for name in inputs if name]
    there = {each.name for each in graph.input}
    if not set(wanted) <= there:
        raise Refused(f"Model does not contain required input: {sorted(set(wanted) - there)}")
    output = text.get("transformer-output", "last_hidden_state")
    if output not in {each.name for each in graph.output}:
        raise Refused(f"Model does not contain required output: {output!r}")
    prepend = component.find("prepend")
    prefixes = {each.tag: each.text or "" for each in prepend} if prepend is not None else {}
    return Embedder(
        model,
        tokenizer.decode(),
        int(text.get("max-tokens", 512)),
        text.get("pooling-strategy", "mean"),
        text.get("normalize", "false") == "true",
        prefixes,
        tuple(wanted),
        output,
    )


FIELD = re.compile(
    r"field (?P<name>\w+) type tensor<(?P<cells>\w+)>\(x\[(?P<dimension>\d+)\]\) \{\s+"
    r"indexing: (?P<indexing>[^\n]+)\s+attribute \{\s+distance-metric: (?P<metric>[\w-]+)\s+\}\s+"
    r"index \{\s+hnsw \{\s+max-links-per-node: (?P<links>\d+)\s+neighbors-to-explore-at-insert: "
    r"(?P<explored>\d+)"
)


def _read_schema(package: Package) -> None:
    schema = package.schema
    for name, content in package.files.items():
        if name.startswith("schemas/"):
            check_schema(name, content.decode())
    end = _closing(schema, schema.index("{", schema.index("document doc")))
    for match in FIELD.finditer(schema):
        embedder = re.search(r"embed (\w+)", match["indexing"])
        given = re.match(r"input (\w+) \|\| \(\(", match["indexing"])
        found = VectorField(
            match["name"],
            VectorType(match["cells"], int(match["dimension"])),
            match["metric"],
            int(match["links"]),
            int(match["explored"]),
            match.start() < end,
            embedder and embedder[1],
            given and given[1],
        )
        if given:
            package.given[given[1]] = found
            if f"field {given[1]} type {found.type} {{}}" not in schema[:end]:
                raise Refused(f"For schema 'doc', field '{found.name}': '{given[1]}' is no field")
        if found.embedder and found.embedder not in package.embedders:
            raise Refused(
                f"For schema 'doc', field '{found.name}': Can't find embedder "
                f"'{found.embedder}'. Available embedder ids are {sorted(package.embedders)}"
            )
        if found.metric == "hamming" and found.type.cells != "int8":
            raise Refused(f"Field '{found.name}': hamming distance counts bits of int8 cells")
        if found.embedder and found.in_document:
            raise Refused(f"Field '{found.name}' in the document reads other fields")
        package.fields[found.name] = found
    named = re.findall(r"field (\w+) type", schema)
    if len(named) != len({name.lower() for name in named}):
        raise Refused("document 'doc' error: Duplicate (case insensitively) field")
    if len(re.findall(r"type tensor<", schema)) != len(package.fields) + len(package.given):
        raise Refused("Failed parsing schema from 'schemas/doc.sd': a tensor field")
    package.strings = set(re.findall(r"field (\w+) type string", schema[:end]))
    for read in re.findall(r"(?:\(input|\n +summary) (\w+)", schema):
        if read not in package.strings:
            raise Refused(f"For schema 'doc': '{read}' is no field in document type 'doc'")
    profiles = [
        schema,
        *(text.decode() for name, text in package.files.items() if name.endswith(".profile")),
    ]
    for text in profiles:
        for match in re.finditer(r"rank-profile (\w+)(?: inherits (\w+))? \{", text):
            body = text[match.start() : _closing(text, text.index("{", match.start()))]
            if match[1] in package.ranks:
                raise Refused(f"schema 'doc' error: already has rank-profile {match[1]}")
            package.ranks[match[1]] = body
    for name, body in package.ranks.items():
        parent = re.match(r"rank-profile \w+ inherits (\w+)", body)
        if parent and parent[1] not in package.ranks:
            raise Refused(f"rank-profile '{name}' inherits unknown profile '{parent[1]}'")
    for name, body in package.ranks.items():
        package.inputs[name] = _inputs(package, name)
        package.returned[name] = _returned(package, name)
        _check_types(package, name, body)


def _inputs(package: Package, name: str) -> dict[str, VectorType]:
    """The declared query inputs of a profile and of those that it inherits from."""
    body = package.ranks[name]
    parent = re.match(r"rank-profile \w+ inherits (\w+)", body)
    declared = re.findall(r"query\((\w+)\) tensor<(\w+)>\(x\[(\d+)\]\)", body)
    own = {each: VectorType(cells, int(size)) for each, cells, size in declared}
    return (_inputs(package, parent[1]) if parent else {}) | own


def _returned(package: Package, name: str) -> list[str]:
    """The query's tensors that a profile, or the one it inherits from, gives with each hit."""
    body = package.ranks[name]
    own = re.search(r"match-features \{([^}]*)\}", body)
    parent = re.match(r"rank-profile \w+ inherits (\w+)", body)
    if own is None:
        return _returned(package, parent[1]) if parent else []
    names = re.findall(r"query\((\w+)\)", own[1])
    for each in names:
        if each not in package.inputs[name]:
            raise Refused(f"rank-profile '{name}': query({each}) is not declared")
    return names


JOIN = (
    (r"cosine_similarity\(query\((\w+)\), attribute\((\w+)\), x\)", 1),
    (r"hamming\(query\((\w+)\), attribute\((\w+)\)\)", 1),
    (r"query\((\w+)\) \* \(2 \* unpack_bits\(attribute\((\w+)\), float\) - 1\)", 8),
)
"""What joins a query's tensor with a field's, and how many cells it makes of one of the field's."""


def _check_types(package: Package, name: str, body: str) -> None:
    """Refuses what the types of a profile's expressions do not allow."""
    attributes = re.findall(r"attribute\((\w+)\)", body)
    for used in attributes:
        if used not in package.fields:
            raise Refused(f"rank-profile '{name}': no attribute '{used}'")
    joins = [(match, grown) for text, grown in JOIN for match in re.finditer(text, body)]
    if len(joins) != len(attributes):
        raise Refused(f"rank-profile '{name}': an expression that cannot be parsed")
    for match, grown in joins:
        query, stored = package.inputs[name].get(match[1]), package.fields[match[2]].type
        if query is None:
            raise Refused(f"rank-profile '{name}': query({match[1]}) is not declared")
        if query.size != grown * stored.size:
            raise Refused(f"rank-profile '{name}': {query} does not fit {stored} in {match[0]}")
        if (grown > 1 or "hamming" in match[0]) and stored.cells != "int8":
            raise Refused(f"rank-profile '{name}': {match[0]} needs int8 cells, not {stored}")


def _closing(text: str, start: int) -> int:
    depth = 0
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise Refused("Failed parsing schema: unbalanced braces")


def _read_query_profiles(package: Package) -> None:
    roots = {}
    for name in package.files:
        if name.startswith("search/query-profiles/"):
            root = _xml(package, name)
            roots[root.get("id")] = root
            if name != f"search/query-profiles/{root.get('id')}.xml":
                raise Refused(f"Error reading query profile '{root.get('id')}': file is {name}")
    for name, root in roots.items():
        chain = [root]
        values: dict[str, str] = {}
        while (parent := chain[-1].get("inherits")) is not None:
            if parent not in roots:
                raise Refused(f"Query profile '{name}' inherits '{parent}', which does not exist")
            chain.append(roots[parent])
        for each in reversed(chain):
            values |= {item.get("name"): item.text for item in each}
        for key, value in values.items():
            if key.startswith("input."):
                raise Refused(f"Query profile '{name}': '{key}' is an alias, which is ignored")
            called = re.match(r"embed\((\w+),", value or "")
            if called and called[1] not in package.embedders:
                raise Refused(f"Query profile '{name}': no embedder '{called[1]}'")
            if key == "ranking.profile" and value not in package.ranks:
                raise Refused(f"Query profile '{name}': no rank profile '{value}'")
        package.profiles[name] = values


def manifest(package: Package) -> Any:
    return json.loads(package.files["embedsmith.json"])
