"""A causal language model of this machine, which says how likely answers are."""

import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

from stages.lib.core.hashes import content_hash
from stages.lib.encoding.encoder import batches, device, fast_dtype
from stages.lib.errors import UserError
from stages.lib.scoring.wording import Asked, Score

BATCH_TOKENS = 2048
"""Tokens of a batch, with padding: logits of a large vocabulary take most of the memory."""
UNBOUNDED = 2**30
"""Tokens that a model without positions holds."""


class CausalModel:
    """Any causal language model that transformers loads.

    Args:
        folder: its files.
        key: the parameter that names it, for errors.

    Raises:
        UserError: it is none.

    """

    def __init__(self, folder: Path, key: str = "scoring.model") -> None:
        where = device()
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder, local_files_only=True, dtype=fast_dtype(where)
            )
        except (OSError, ValueError, KeyError) as error:
            raise UserError(
                f"{key}: {folder} is no causal language model that transformers can load "
                f"({' '.join(str(error).split())[:200]})"
            ) from error
        if not self._tokenizer.is_fast:
            raise UserError(f"{key}: {folder} has no fast tokenizer, which tells offsets")
        self._model = model.to(where).eval()
        self._keeps = "logits_to_keep" in inspect.signature(model.forward).parameters
        self.name = content_hash(folder)
        positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self.most_tokens: int = positions or UNBOUNDED

    def scores(self, asked: Sequence[Asked]) -> Iterator[tuple[int, Score, int]]:
        """The scores of answers, in batches of like length.

        Yields:
            The position of what was asked, its score, and how many tokens were read.

        """
        read = [self._tokens(one) for one in asked]
        with tqdm(total=len(read), desc="score", unit="answer", delay=2) as progress:
            for batch in batches([len(ids) for ids, _ in read], BATCH_TOKENS):
                found = self._batch([read[at] for at in batch])
                for at, score in zip(batch, found, strict=True):
                    yield at, score, len(read[at][0])
                progress.update(len(batch))

    def _tokens(self, asked: Asked) -> tuple[list[int], int]:
        """The tokens of text and answer, and how many of them are the answer's.

        A token that begins before the answer and ends in it counts as its.
        """
        encoded = self._tokenizer(asked.before + asked.answer, return_offsets_mapping=True)
        ids, offsets = list(encoded["input_ids"]), list(encoded["offset_mapping"])
        while ids and ids[-1] == self._tokenizer.eos_token_id and offsets[-1][0] == offsets[-1][1]:
            ids.pop(), offsets.pop()  # an end that the tokenizer put there
        answer = sum(1 for _, end in offsets if end > len(asked.before))
        held = ids[-min(asked.most_tokens, self.most_tokens) :]
        return held, min(answer, len(held) - 1)

    def _batch(self, read: Sequence[tuple[list[int], int]]) -> list[Score]:
        longest = max(len(ids) for ids, _ in read)
        # padded at the end, where a causal model does not look back from
        ids = torch.tensor([row + [0] * (longest - len(row)) for row, _ in read])
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row, _ in read])
        first = min(len(row) - answer for row, answer in read) - 1
        where = self._model.device
        inputs: dict[str, Any] = {"input_ids": ids.to(where), "attention_mask": mask.to(where)}
        if self._keeps:  # no logits of what stands before all answers
            inputs["logits_to_keep"] = torch.arange(first, longest, device=where)
        with torch.inference_mode():
            logits = self._model(**inputs, use_cache=False).logits
        if not self._keeps:
            logits = logits[:, first:]
        found = []
        for row, (tokens, answer) in enumerate(read):
            start = len(tokens) - answer
            span = slice(start - 1 - first, len(tokens) - 1 - first)
            wanted = torch.tensor(tokens[start:], device=where)
            likely = logits[row, span].float().log_softmax(-1)
            total = likely.gather(1, wanted.unsqueeze(1)).sum().item()
            found.append(Score(float(total), answer))
        return found
