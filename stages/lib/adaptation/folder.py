"""An adapter on disk: one model of sentence-transformers, queries by the adapter, documents not.

Where the embedder is here, it is in the folder, once for both sides. Behind an endpoint it is not:
then the folder takes vectors in the place of texts.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from sentence_transformers.sentence_transformer.modules import Dense, Normalize

from stages.lib.adaptation.adapter import Adapter
from stages.lib.core.files import read_json, write_json
from stages.lib.encoder_params import EmbedderModel
from stages.lib.encoding.declared import ROUTER
from stages.lib.encoding.portable import NAMES, declare, join_towers, standardise
from stages.lib.encoding.remote import is_remote

CHOICE = "adapter.json"
MODULES: Mapping[str, type[Dense | Normalize]] = {"Dense": Dense, "Normalize": Normalize}


def save_adapter(adapter: Adapter, embedder: Path, settings: EmbedderModel, folder: Path) -> None:
    """Writes an adapter as a model.

    Args:
        adapter: the modules.
        embedder: the folder of documents.model, or of the record of one behind an endpoint.
        settings: its section of params.yaml.
        folder: gets the files; it is there.

    """
    if is_remote(embedder):
        parameters = {"default_route": "query", "allow_empty_key": True}
        write_json(folder / ROUTER, {"types": {}, "structure": {}, "parameters": parameters})
        router = {"idx": 0, "name": "0", "path": "", "type": f"{NAMES}Router"}
        write_json(folder / "modules.json", [router])
    else:
        unused = shutil.ignore_patterns("source.json", "README.md")
        shutil.copytree(embedder, folder / "document", ignore=unused)
        standardise(folder / "document", settings.max_length)
        join_towers(folder)
    declare(folder, settings.encoder, settings.encoder)
    record = read_json(folder / ROUTER)
    places = [f"query/{number}_{type(module).__name__}" for number, module in enumerate(adapter)]
    for place, module in zip(places, adapter, strict=True):
        (folder / place).mkdir(parents=True)
        module.save(str(folder / place))
        record["types"][place] = NAMES + type(module).__name__
    record["structure"]["query"] = [*record["structure"].get("document", []), *places]
    write_json(folder / ROUTER, record)


def load_adapter(folder: Path) -> Adapter:
    """The modules of an adapter that `save_adapter` wrote, without the embedder."""
    record = read_json(folder / ROUTER)
    places = [place for place in record["structure"]["query"] if place.startswith("query/")]
    kinds = [record["types"][place].rsplit(".", 1)[-1] for place in places]
    return [
        MODULES[kind].load(str(folder / place)) for place, kind in zip(places, kinds, strict=True)
    ]


def note_choice(folder: Path, kind: str, chosen: str, *, learnt: bool) -> None:
    """Notes in an adapter's folder what it is, and whether it is more than the identity."""
    write_json(folder / CHOICE, {"kind": kind, "chosen": chosen, "learnt": learnt})


def has_learnt(folder: Path) -> bool:
    """Whether an adapter is more than the identity."""
    return bool(read_json(folder / CHOICE)["learnt"])
