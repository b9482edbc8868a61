"""Pre-trains a base on a corpus without queries, by TSDAE (arXiv 2104.06979), as a base to tune.

python -m tests.bench.levers.tsdae CORPUS BASE OUT [--epochs 1] [--learning-rate 3e-5]

A decoder says each sentence again from the vector of what is left when six in ten of its words are
deleted. OUT is a folder to name in `base.model`, with `base.sha256` null.
"""

from pathlib import Path

import click
import torch
from sentence_transformers.sentence_transformer.losses import DenoisingAutoEncoderLoss

from stages.lib.core.collection import read_corpus
from stages.lib.core.seeds import generator
from stages.lib.core.text import sentences
from stages.lib.encoding.encoder import load_encoder
from stages.lib.params import read_params
from tests.bench.size.edited import PARAMS

DELETED = 0.6
BATCH = 8
WARM_UP = 100


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path, exists=True))
@click.argument("base", type=click.Path(path_type=Path, exists=True))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--epochs", type=int, default=1, show_default=True)
@click.option("--learning-rate", type=float, default=3e-5, show_default=True)
def main(corpus: Path, base: Path, out: Path, epochs: int, learning_rate: float) -> None:
    """Write the pre-trained model, and print the loss of each tenth of an epoch."""
    settings = read_params(PARAMS)
    random = generator(settings.seed, "tsdae")
    torch.manual_seed(settings.seed)
    model = load_encoder(base, settings.encoder)
    loss = DenoisingAutoEncoderLoss(model, str(base), tie_encoder_decoder=False)
    texts = [text for each in read_corpus(corpus).values() for text in sentences(each.text)]
    steps = epochs * (len(texts) // BATCH)
    optimizer = torch.optim.AdamW(loss.parameters(), lr=learning_rate)
    warm_up = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / WARM_UP, 1.0, WARM_UP)
    loss.train()
    total = 0.0
    for step in range(steps):
        if step % (len(texts) // BATCH) == 0:
            order = random.permutation(len(texts))
        start = step * BATCH % (len(texts) // BATCH * BATCH)
        batch = [texts[row] for row in order[start : start + BATCH]]
        damaged = []
        for text in batch:
            words = text.split()
            left = [word for word in words if random.random() > DELETED]
            damaged.append(" ".join(left or words[:1]))
        features = [model.preprocess(side) for side in (damaged, batch)]
        value = loss(features, torch.empty(0))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        warm_up.step()
        total += value.item()
        if (step + 1) % max(1, steps // (10 * epochs)) == 0:
            click.echo(f"step {step + 1:,} of {steps:,}: loss {total / (step + 1):.2f}")
    model.eval()
    model.save(str(out), create_model_card=False)


if __name__ == "__main__":
    main()
