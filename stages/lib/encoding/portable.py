"""Model folders in the form that every version of sentence-transformers from 5.0 on loads.

Two encoders become one model by a record: sentence-transformers' Router, whose modules lie in the
folders `query` and `document`, each of which is a model by itself too.
"""

from pathlib import Path
from typing import Any

from stages.lib.core.files import read_json, write_json
from stages.lib.encoder_params import Encoder
from stages.lib.encoding.causal import end_texts, is_causal
from stages.lib.encoding.declared import CONFIG, ROUTER, SIDES
from stages.lib.errors import UserError

OWN = "sentence_transformers."
NAMES = "sentence_transformers.models."
"""Where all versions find the modules; newer ones write names that older ones do not know."""

WIDTHS = ("hidden_size", "n_embd", "d_model")
"""How configurations name the dimensions of a token's vector."""


def standardise(folder: Path, max_length: int) -> None:
    """Brings a model's settings and weights into one form, in place.

    Modules get names that all versions know, weights of modules become safetensors, prompts count
    in the pooling as every other word does, and texts are cut at `max_length` tokens. Of two
    encoders that are one model, each is brought into it.
    """
    if (folder / ROUTER).is_file():
        for side in local_sides(folder):
            standardise(folder / side, max_length)
        return
    if not (folder / "modules.json").is_file():
        _describe_transformer(folder)
    modules = read_json(folder / "modules.json")
    for module in modules:
        module["type"] = _known(module["type"])
        place = folder / module["path"]
        _as_safetensors(place)
        if module["type"].endswith(".Pooling"):
            config = read_json(place / "config.json")
            write_json(place / "config.json", config | {"include_prompt": True})
    write_json(folder / "modules.json", modules)
    path = folder / modules[0]["path"] / "sentence_bert_config.json"
    config = read_json(path) if path.is_file() else {}
    write_json(path, config | {"max_seq_length": max_length})


def join_towers(folder: Path) -> None:
    """Writes the record that makes `query` and `document` in a folder one model."""
    types: dict[str, str] = {}
    structure: dict[str, list[str]] = {}
    for side in local_sides(folder):
        structure[side] = []
        for module in read_json(folder / side / "modules.json"):
            place = (Path(side) / module["path"]).as_posix()
            types[place] = _known(module["type"])
            structure[side].append(place)
    parameters = {"default_route": list(structure)[-1], "allow_empty_key": True}
    record = {"types": types, "structure": structure, "parameters": parameters}
    write_json(folder / ROUTER, record)
    router = {"idx": 0, "name": "0", "path": "", "type": f"{NAMES}Router"}
    write_json(folder / "modules.json", [router])


def local_sides(folder: Path) -> list[str]:
    """The sides whose encoders are in a folder of two; the other is behind an endpoint."""
    return [side for side in SIDES if (folder / side / "modules.json").is_file()]


def declare(folder: Path, query: Encoder, document: Encoder) -> None:
    """Says in a model's folder what it expects: prompts, similarity and length.

    Args:
        folder: an encoder's, or one of two encoders that `join_towers` made one model.
        query: the prefix of queries, which becomes their prompt, and the query encoder's length.
        document: the same of documents.

    """
    prompts = {"query": query.query_prefix, "document": document.document_prefix}
    if not (folder / ROUTER).is_file():
        standardise(folder, query.max_length)
        _write_config(folder, prompts, None)
        return
    for side in local_sides(folder):
        standardise(folder / side, (query if side == "query" else document).max_length)
        _write_config(folder / side, prompts, side)
    _write_config(folder, prompts, None)


def _write_config(folder: Path, prompts: dict[str, str], default: str | None) -> None:
    path = folder / CONFIG
    config = read_json(path) if path.is_file() else {}
    declared = {
        "model_type": "SentenceTransformer",
        "prompts": prompts,
        "default_prompt_name": default,
        "similarity_fn_name": "cosine",
    }
    write_json(path, config | declared)


def _known(name: str) -> str:
    """The name of a module's class that all versions know; another's own class keeps its name."""
    return NAMES + name.rsplit(".", 1)[-1] if name.startswith(OWN) else name


def _describe_transformer(folder: Path) -> None:
    """Makes a plain transformer the model that sentence-transformers takes it for."""
    config = read_json(folder / "config.json")
    dimension = next((config[name] for name in WIDTHS if name in config), None)
    if dimension is None:
        raise UserError(
            f"{folder}: config.json names no width ({', '.join(WIDTHS)}), so that this is no model "
            f"of texts alone ({config.get('model_type', 'of no type')}); choose another model"
        )
    (folder / "1_Pooling").mkdir(exist_ok=True)
    mode = "mean_tokens"
    if is_causal(folder):
        mode = "lasttoken"
        end_texts(folder)
    pooling = {"word_embedding_dimension": dimension, f"pooling_mode_{mode}": True}
    write_json(folder / "1_Pooling" / "config.json", pooling)
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    rows: list[dict[str, Any]] = [
        {"idx": index, "name": str(index), "path": path, "type": NAMES + kind}
        for index, (path, kind) in enumerate(modules)
    ]
    write_json(folder / "modules.json", rows)


def _as_safetensors(folder: Path) -> None:
    """Replaces a module's pickled weights, which could run code when they are read."""
    pickled, weights = folder / "pytorch_model.bin", folder / "model.safetensors"
    if pickled.is_file() and not weights.is_file():
        # torch takes seconds to load, and few models have such weights
        from safetensors.torch import save_file
        from torch import load

        tensors = load(pickled, map_location="cpu", weights_only=True)
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, weights)
    pickled.unlink(missing_ok=True)
