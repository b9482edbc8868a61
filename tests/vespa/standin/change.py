"""What the config server demands of a package that follows on another."""

import re
from typing import Any

from tests.vespa.standin.package import Package, Refused


def check_change(old: Package, new: Package) -> list[dict[str, Any]]:
    """The reindex actions of a change; refuses one that needs an override which is not there."""
    overrides = new.files.get("validation-overrides.xml", b"").decode()

    def needs(override: str, message: str) -> None:
        if override not in overrides:
            raise Refused(
                f"{message}. To allow this add <allow until='yyyy-mm-dd'>{override}</allow> to "
                "validation-overrides.xml, see "
                "https://docs.vespa.ai/en/reference/applications/validation-overrides.html"
            )

    before, after = (re.findall(r"stemming: (\w+)", each.schema) for each in (old, new))
    if before != after:
        needs("indexing-change", f"Field 'contents' changed: stemming: {before} -> {after}")
    actions = []
    for name, found in new.fields.items():
        was = old.fields.get(name)
        if was is None:
            if not found.in_document:
                actions.append(
                    f"Non-document field '{name}' added; this may be populated by reindexing"
                )
        elif was.type != found.type:
            needs(
                "field-type-change",
                f"field-type-change: Document type 'doc': Field '{name}' changed: data type: "
                f"'{was.type}' -> '{found.type}'",
            )
        elif was.links != found.links:
            needs("hnsw-settings-change", f"Changes to hnsw index settings of '{name}'")
    return [
        {"documentType": "doc", "clusterName": "content", "messages": [each]} for each in actions
    ]
