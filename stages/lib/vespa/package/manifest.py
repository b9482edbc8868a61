"""The manifest: the record of what is deployed, which travels in the package as embedsmith.json.

Vespa gives it back, and what stands in it then names folders and goes into XML. So it is believed
only as far as it has the form that this project writes.
"""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from stages.lib.core.files import read_json
from stages.lib.core.text import one_line
from stages.lib.errors import UserError
from stages.lib.vespa.package.application import DOCUMENTS, Application, Ground
from stages.lib.vespa.package.lease import Lease

MANIFEST = "embedsmith.json"

HASH = re.compile(r"[0-9a-f]{16}(-[a-z]+)?")
"""A feed's hash; the documents' has the language behind it."""

FED = re.compile(rf"{DOCUMENTS}|embedding_[0-9a-f]{{12}}(_[a-z0-9]+)+")
"""What a feed fills: the documents' own fields, or a field of vectors. Earlier versions kept those
of models that had gone."""

INDEX = re.compile(r"([0-9a-f]{12})_index embedding_\1_float_fed")
"""The label and the field of an index."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is deployed, who changes it at the moment, and what this deployment is told apart by."""

    application: Application
    lease: Lease | None = None
    revision: Annotated[str, Field(pattern="^([0-9a-f]{16})?$")] = ""

    def as_dict(self) -> dict[str, Any]:
        """The manifest as it is written."""
        row: dict[str, Any] = ADAPTER.dump_python(self, mode="json")
        application: dict[str, Any] = row.pop("application")
        return application | row


ADAPTER = TypeAdapter(Manifest)


def read_manifest(folder: Path, source: str = "", ground: Ground | None = None) -> Manifest:
    """Reads the manifest of a package and checks each name in it.

    Args:
        folder: the package's.
        source: who gave the package, for the message; the file itself by default.
        ground: of a manifest that is from before there was one in it.

    Raises:
        UserError: it is not a manifest of this version, or a name in it is none that is given here.

    """
    path = folder / MANIFEST
    row = read_json(path)
    try:
        if not isinstance(row, dict) or not {"models", "live", "fed"} <= row.keys():
            raise UserError("no models")
        own = {key: row.pop(key) for key in ("lease", "revision") if key in row}
        if "ground" not in row and ground is not None:
            row["ground"] = asdict(ground)
        manifest = ADAPTER.validate_python({"application": row} | own)
        fault = next(_faults(manifest), "")
    except UserError as error:
        fault = str(error)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])).removeprefix("application.")
        fault = f"{key}: {first['msg']}"
    if fault:
        raise UserError(
            f"{source or path}: {MANIFEST} is not a manifest of this version; deploy to a fresh "
            f"application ({fault})"
        )
    return manifest


def _faults(manifest: Manifest) -> Iterator[str]:
    """What does not fit together."""
    application = manifest.application
    labels = [model.label for model in application.models]
    if len(set(labels)) < len(labels):
        yield "models: one of them twice"
    for key, label in (("live", application.live), ("previous", application.previous)):
        if label is not None and label not in labels:
            yield f"{key}: no such model"
    for number, index in enumerate(application.indexes):
        if not INDEX.fullmatch(f"{index.label} {index.field}") or index.embedder:
            yield f"indexes.{number}: no name of an index"
    for name, text in application.fed.items():
        if not FED.fullmatch(name) or not HASH.fullmatch(text):
            yield f"fed.{one_line(name)[:60]}: no hash of a feed"
