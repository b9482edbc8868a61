"""How close an exported variant comes to torch, text by text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from stages.lib.encoding.encoder import Vectors, token_ids

HARD_TEXTS = (
    "",
    " ",
    "a",
    "?",
    "restore",
    "How long are deleted files kept, and can I get one back after the trial has ended?",
    "The quick brown fox jumps over the lazy dog. " * 80,
    "x" * 2000,
    "Ärger mit der Größe: naïve café, Überprüfung der Straße",
    "どのくらい速く復元できますか。",
    "Сколько времени занимает восстановление?",
    "كم من الوقت يستغرق الاسترداد؟",
    "복원하는 데 얼마나 걸립니까?",
    "Ποιο είναι το όριο; 如何恢复已删除的文件? कितना समय लगेगा?",
    "👩‍👩‍👧‍👦 🚀 backup ✅ 🇪🇺",
    "tabs\tand\nnew lines\u00a0and\u200bnothing",
)
"""Texts on which exports may differ: empty, very short, too long, other scripts, emoji."""


@dataclass(frozen=True, slots=True)
class Parity:
    """Cosines of a variant's vectors to torch's."""

    minimum: float
    mean: float
    worst: str
    """Which text fares worst; what it says stays out of figures that people share."""

    @property
    def row(self) -> dict[str, Any]:
        """The cosines as a row of a metrics file."""
        return {
            "min_cosine": round(self.minimum, 6),
            "mean_cosine": round(self.mean, 6),
            "worst_text": self.worst,
        }


def unit_vectors(model: SentenceTransformer, texts: Sequence[str]) -> Vectors:
    """Unit vectors in float32, of one text at a time, (texts, dimensions)."""
    model.eval()
    rows = []
    with torch.inference_mode():
        for ids in token_ids(model, texts):
            row = torch.tensor([ids])
            features = {"input_ids": row, "attention_mask": torch.ones_like(row)}
            rows.append(model.forward(features)["sentence_embedding"][0].numpy())
    return np.stack([row / np.linalg.norm(row) for row in rows])


def parity(expected: Vectors, actual: Vectors, texts: Sequence[str]) -> Parity:
    """Compares a variant's unit vectors with those expected, a row a text."""
    cosines = (expected * actual).sum(axis=1)
    worst = texts[int(cosines.argmin())]
    named = worst[:40] if worst in HARD_TEXTS else f"a text of {len(worst)} characters"
    return Parity(float(cosines.min()), float(cosines.mean()), named)
