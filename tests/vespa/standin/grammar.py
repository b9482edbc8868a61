"""What our schemas and services.xml may consist of; a word that is not here is refused.

Vespa knows more words than these. A template that comes to use one of them needs a line here.
"""

import re
from typing import Any


class Refused(Exception):  # noqa: N818 - the word of the protocol
    """A package that Vespa would not deploy."""


TENSOR = r"tensor<(float|double|bfloat16|int8)>\(x\[[1-9]\d*\]\)"
EXPRESSION = r"expression: [\w\s.()*/+,-]+"
RERANK = r"rerank-count: -?\d+"
SCRIPT = r"(attribute|index|summary|trim|embed \w+|\(input .*\))"
TEXT = r"\(input \w+ \|\| \(\(input .*\)\)"
EITHER = rf"input \w+ \|\| \({TEXT} \| trim \| embed \w+\) \| attribute \| index"
STATEMENT = rf"{SCRIPT}( (\||\.) ({SCRIPT}|\" \"))*"

SCHEMA: dict[str, tuple[str, ...]] = {
    "": (r"schema doc \{", r"rank-profile \w+( inherits \w+)? \{"),
    "schema": (
        r"document doc \{",
        r"field \w+ type (string|TENSOR) \{".replace("TENSOR", TENSOR),
        r"document-summary \w+ \{",
        r"rank-profile \w+( inherits \w+)? \{",
    ),
    "document": (
        r"field \w+ type (string|TENSOR) \{".replace("TENSOR", TENSOR),
        r"field \w+ type (string|TENSOR) \{\}".replace("TENSOR", TENSOR),
    ),
    "field": (
        rf"indexing: ({STATEMENT}|{EITHER})",
        r"indexing \{",
        r"index: enable-bm25",
        r"stemming: (none|best|shortest|multiple)",
        r"attribute \{",
        r"index \{",
    ),
    "indexing": (
        r'"[a-z]{2}" \| set_language;',
        rf"{STATEMENT};",
    ),
    "attribute": (r"distance-metric: (prenormalized-angular|angular|hamming)",),
    "index": (r"hnsw \{",),
    "hnsw": (r"max-links-per-node: \d+", r"neighbors-to-explore-at-insert: \d+"),
    "document-summary": (r"summary \w+ \{\}",),
    "rank-profile": (
        r"(inputs|first-phase|second-phase|global-phase|match-features|rank-properties) \{",
        r"function \w+\(\) \{",
    ),
    "inputs": (rf"query\(\w+\) {TENSOR}",),
    "function": (EXPRESSION,),
    "first-phase": (EXPRESSION,),
    "second-phase": (RERANK, EXPRESSION),
    "global-phase": (RERANK, EXPRESSION),
    "match-features": (r"\w+", r"query\(\w+\)"),
    "rank-properties": (r"bm25\(\w+\)\.(k1|b): [\d.e-]+",),
}
"""The lines of each block, by the word that it begins with."""


def check_schema(name: str, text: str) -> None:
    """Refuses a schema, or a rank profile in a file of its own, with a line of no known form."""
    if name.endswith(".profile") and not text.lstrip(" ").startswith("rank-profile"):
        raise Refused(f"Failed parsing rank-profile from '{name}': a line before it")
    blocks = [""]
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip()
        if not words or words.startswith("#"):
            continue
        if words == "}" and len(blocks) > 1:
            blocks.pop()
        elif any(re.fullmatch(each, words) for each in SCHEMA[blocks[-1]]) and _balanced(words):
            if words.endswith("{"):
                blocks.append(words.split()[0])
        else:
            raise Refused(f"Failed parsing {name}: Encountered {words!r} at line {number}")
    if len(blocks) > 1:
        raise Refused(f"Failed parsing {name}: Encountered <EOF>: unbalanced braces")


def _balanced(words: str) -> bool:
    """Whether the parentheses of an expression match, with commas only in between."""
    depth = 0
    for character in words:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0 or (character == "," and depth == 0):
            return False
    return depth == 0


ID = r"[a-zA-Z_][\w-]*"
COUNT = r"[1-9]\d*"
FILE = {"path": ".+"}
SERVICES: dict[str, tuple[str, dict[str, str], str]] = {
    # the element: where it stands, its attributes, its text
    "services": ("", {"version": r"1\.0"}, ""),
    "container": ("services", {"id": ID, "version": r"1\.0"}, ""),
    "config": ("container", {"name": r"ai\.vespa\.opennlp\.open-nlp"}, ""),
    "snowballStemmingForEnglish": ("config", {}, "true|false"),
    "search": ("container", {}, ""),
    "document-api": ("container", {}, ""),
    "document-processing": ("container documents", {"cluster": "default"}, ""),
    "clients": ("container", {}, ""),
    "client": ("clients", {"id": ID, "permissions": r"(read|write)(,(read|write))?"}, ""),
    "certificate": ("client", {"file": ".+"}, ""),
    "token": ("client", {"id": ".+"}, ""),
    "component": ("container", {"id": r"[a-zA-Z_]\w*", "type": "hugging-face-embedder"}, ""),
    "transformer-model": ("component", FILE, ""),
    "tokenizer-model": ("component", FILE, ""),
    "max-tokens": ("component", {}, COUNT),
    "transformer-token-type-ids": ("component", {}, ".*"),
    "transformer-output": ("component", {}, ".+"),
    "pooling-strategy": ("component", {}, "mean|cls|none"),
    "normalize": ("component", {}, "true|false"),
    "prepend": ("component", {}, ""),
    "query": ("prepend", {}, "(?s:.*)"),
    "nodes": ("container content", {"count": COUNT}, ""),
    "resources": ("nodes", {"vcpu": r"[\d.]+", "memory": r"\d+Gb", "disk": r"\d+Gb"}, ""),
    "gpu": ("resources", {"count": COUNT, "memory": r"\d+Gb"}, ""),
    "content": ("services", {"id": ID, "version": r"1\.0"}, ""),
    "min-redundancy": ("content", {}, COUNT),
    "documents": ("content", {}, ""),
}
DOCUMENTS: dict[str, tuple[dict[str, str], str]] = {
    "documents": ({"type": "doc", "mode": "index|store-only|streaming"}, ""),
    "prepend": ({}, "(?s:.*)"),
}
"""The element `document`, by where it stands."""


def check_services(element: Any, parent: str = "") -> None:
    """Refuses an element, attribute or value that Vespa's schema of services.xml does not have."""
    tag = element.tag
    if tag == "document" and parent in DOCUMENTS:
        attributes, text = DOCUMENTS[parent]
    elif tag in SERVICES and parent in SERVICES[tag][0].split(" "):
        _, attributes, text = SERVICES[tag]
    else:
        raise Refused(f"Invalid XML, error in services.xml: element {tag!r} not allowed here")
    for name, value in element.items():
        if not re.fullmatch(attributes.get(name, "(?!)"), value):
            raise Refused(f"Invalid XML, error in services.xml: {tag} {name}={value!r}")
    found = element.text or ""
    if not re.fullmatch(text, found if text else found.strip()):
        raise Refused(f"Invalid XML, error in services.xml: content of {tag!r}: {found!r}")
    for each in element:
        check_services(each, tag)
