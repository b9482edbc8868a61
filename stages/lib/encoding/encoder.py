"""Encodes texts as unit vectors, fast on a CPU and on a GPU.

Texts are sorted by their number of tokens and batched to a budget of tokens, so that next to
nothing is spent on padding, and computed in bfloat16 where the processor has it.
"""

import logging as python_logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from tqdm import tqdm
from transformers.utils import logging

from stages.lib.core.files import read_json
from stages.lib.encoder_params import Encoder
from stages.lib.encoding.declared import ROUTER, SIDES
from stages.lib.encoding.hub import custom_code
from stages.lib.errors import UserError

Vectors = npt.NDArray[np.float32]
"""One unit vector a row."""

Encode = Callable[[Sequence[str]], Iterator[tuple[list[int], Vectors]]]
"""Gives the unit vectors of texts, prefixes included, in batches: the texts' rows, and theirs."""

# loading weights takes no time; encoding has a bar of its own
python_logging.getLogger("sentence_transformers").setLevel(python_logging.ERROR)
logging.disable_progress_bar()  # type: ignore[no-untyped-call]

BATCH_TOKENS = 8192
BLOCK = 50_000


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fast_dtype(where: torch.device) -> torch.dtype:
    """bfloat16 where the processor computes in it, else float32."""
    if where.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


def load_encoder(
    folder: Path, params: Encoder, loading: Mapping[str, Any] | None = None
) -> SentenceTransformer:
    """Loads a sentence-transformers folder onto the GPU or the CPU.

    Args:
        folder: the model's.
        params: how many tokens it is to see.
        loading: how its weights are kept; as float32 unless something else is said.

    Raises:
        UserError: it is no such model, takes fewer tokens, or has nothing to pad with.

    """
    try:
        # the stage base refuses code that base.custom_code does not allow
        model = SentenceTransformer(
            str(folder),
            device=str(device()),
            local_files_only=True,
            trust_remote_code=bool(custom_code(folder)),
            # many models are stored by halves, in which small steps of training are lost
            model_kwargs={"dtype": torch.float32, **(loading or {})},
        )
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{folder}: not a model that sentence-transformers can load "
            f"({' '.join(str(error).split())[:200]})"
        ) from error
    longest = _positions(model)
    if params.max_length > longest:
        raise UserError(
            f"params.yaml: encoder.max_length: {params.max_length} is more than the {longest} "
            "tokens that the base model takes; lower it"
        )
    model.max_seq_length = params.max_length
    # what is padded is masked, so that the end token will do
    padding = model.tokenizer.pad_token or model.tokenizer.eos_token
    if padding is None:
        raise UserError(
            f"{folder}: the tokenizer names no token to pad with; set pad_token in "
            "tokenizer_config.json"
        )
    model.tokenizer.pad_token = padding
    model.model_card_data.generate_widget_examples = False
    return model


def _positions(model: SentenceTransformer) -> int:
    transformer: Any = model[0].auto_model
    longest = int(getattr(transformer.config, "max_position_embeddings", 2**31))
    embeddings = getattr(transformer, "embeddings", None)
    # models of RoBERTa's kind begin to count positions after that of padding
    padding = getattr(getattr(embeddings, "position_embeddings", None), "padding_idx", None)
    return longest if padding is None else longest - padding - 1


def towers(folder: Path) -> tuple[Path, Path]:
    """The folders of a model's query and document encoders; the same for an ordinary model."""
    if not (folder / ROUTER).is_file():
        return folder, folder
    structure = read_json(folder / ROUTER)["structure"]
    # an encoder behind an endpoint has no modules, and its folder is that of its record
    query, document = (folder / structure.get(side, [side])[0] for side in SIDES)
    return query, document


def token_ids(model: SentenceTransformer, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of each text as the model sees them, truncated to its length."""
    encoded = model.tokenizer(
        list(texts), truncation=True, max_length=model.max_seq_length, padding=False
    )
    return list(encoded["input_ids"])


def batches(lengths: Sequence[int], budget: int = BATCH_TOKENS) -> list[list[int]]:
    """Indices of texts by descending length, in batches of at most `budget` padded tokens."""
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    out: list[list[int]] = []
    for index in order:
        if not out or lengths[out[-1][0]] * (len(out[-1]) + 1) > budget:
            out.append([])
        out[-1].append(index)
    return out


def embed(model: SentenceTransformer, ids: Sequence[list[int]]) -> Tensor:
    """Unit vectors of tokenised texts, (texts, dimensions), with gradients if they are on."""
    padded = model.tokenizer.pad({"input_ids": list(ids)}, return_tensors="pt").to(model.device)
    where = torch.device(model.device)
    dtype = fast_dtype(where)
    with torch.autocast(where.type, dtype=dtype, enabled=dtype != torch.float32):
        vectors = model.forward(dict(padded))["sentence_embedding"]
    return torch.nn.functional.normalize(vectors.float(), dim=1)


def encode(
    model: SentenceTransformer, texts: Sequence[str], prefix: str = "", label: str = "encode"
) -> Vectors:
    """Unit vectors of the texts, (texts, dimensions), in their order."""
    vectors = np.empty((len(texts), dimension(model)), dtype=np.float32)
    with tqdm(total=len(texts), desc=label, unit="text", delay=2) as progress:
        for start in range(0, len(texts), BLOCK):
            block = [prefix + text for text in texts[start : start + BLOCK]]
            for rows, found in encode_batches(model, block):
                vectors[[start + row for row in rows]] = found
                progress.update(len(rows))
    return vectors


def encode_batches(
    model: SentenceTransformer, texts: Sequence[str]
) -> Iterator[tuple[list[int], Vectors]]:
    """Unit vectors of the texts, prefixes included, in batches of like length.

    Yields:
        The rows of the batch's texts, and their vectors.

    """
    model.eval()
    ids = token_ids(model, texts) if texts else []
    for batch in batches([len(tokens) for tokens in ids]):
        yield batch, embed_batch(model, [ids[index] for index in batch])


def embed_batch(model: SentenceTransformer, ids: Sequence[list[int]]) -> Vectors:
    """Unit vectors of tokenised texts, (texts, dimensions), without gradients."""
    with torch.inference_mode():
        vectors: Vectors = embed(model, ids).cpu().numpy()
    return vectors


def dimension(model: SentenceTransformer) -> int:
    """The number of dimensions of the model's vectors."""
    dimensions = model.get_embedding_dimension()
    assert dimensions is not None  # noqa: S101 - every model here ends in a pooling layer
    return dimensions
