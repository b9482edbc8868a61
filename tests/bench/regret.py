"""What the choice of the stage train costs: every candidate's test figures beside what dev says.

python -m tests.bench.regret FOLDER/RUN ... [--out FILE]

Each RUN is what `python -m tests.bench.recipe` left of a seed, FOLDER its collection's. Training is
done once more, and every candidate is measured on test, which chooses nothing but is what regret is
about: regret is the best candidate's nDCG@10 as served minus that of the one that a rule chose.
Rules that believe something of other collections believe it of those given, but for the one at
hand.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from stages.lib.core.collection import Split, read_corpus, read_split
from stages.lib.core.examples import read_mined
from stages.lib.core.files import write_json
from stages.lib.encoding.encoder import load_encoder, towers
from stages.lib.encoding.vectors import load_vectors
from stages.lib.evidence import DevSet, Evidence, dev_sets, measure
from stages.lib.params import read_params
from stages.lib.retrievers import load_lexical
from stages.lib.training import choice
from stages.lib.training.candidates import (
    BASE,
    ENRICHED,
    MIXTURE,
    TRAINED,
    Candidate,
    candidates,
)
from stages.lib.training.choice import searched
from stages.lib.training.recipe import train, training_rows
from stages.lib.training.students import student

Row = tuple[Candidate, Evidence, Evidence]
"""A candidate with what dev and what test say of it."""

TEST = "test"


@dataclass(frozen=True)
class Collection:
    """A collection with its candidates, the base first."""

    name: str
    rows: list[Row]
    queries: int

    @property
    def kinds(self) -> set[str]:
        """The kinds of candidates that there are."""
        return {candidate.kind for candidate, _, _ in self.rows}

    def gain(self, kind: str, over: str, dense: bool) -> float:
        """The mean gain on test of a kind of candidate over another."""
        values = {
            name: [
                float((t.dense if dense else t.served)[TEST].mean())
                for c, _, t in self.rows
                if c.kind == name
            ]
            for name in (kind, over)
        }
        return fmean(values[kind]) - fmean(values[over])


def measured(run: Path) -> Collection:
    """Trains by a run's parameters and measures every candidate on dev and test."""
    folder, params = run.parent, read_params(run / "params.yaml")
    corpus = read_corpus(folder / "collection" / "corpus.jsonl")
    people, synthetic = (
        read_split(path) for path in (folder / "collection" / "dev", run / "synthetic" / "dev")
    )
    judged = read_split(run / "judged") if (run / "judged").is_dir() else Split()
    test = read_split(folder / "collection" / "test")
    mined = read_mined(run / "mined")
    encoder = load_encoder(towers(folder / "base")[0], params.encoder)
    vectors = load_vectors(folder / "vectors", corpus)
    tuned = student(encoder, corpus, vectors, mined.train, params)
    lexical = load_lexical(corpus, params)
    base = tuned.weights()
    examples = training_rows(mined, params.train, with_dev=bool(people) and not judged)
    prefix = params.encoder.query_prefix
    trained = train(tuned, examples, prefix, params.train, params.seed, taught=mined.taught)
    sets = dev_sets(people, judged, synthetic, corpus)
    asked = [DevSet(TEST, test, sets[0].weighs)]
    rows: list[Row] = []
    for candidate in candidates(tuned, base, trained, (0.25, 0.5, 0.75)):
        beside = rows[0][1].weight.dense if rows else None
        search, learnt = searched(tuned, candidate, synthetic), candidate.learnt
        dev = measure(search, lexical, sets, params, learnt=learnt, beside=beside)
        # the weight is dev's: the weights' queries are dev's, and test is measured at it
        at_dev = measure(search, lexical, asked, params, learnt=learnt, beside=beside)
        rows.append((candidate, dev, at_dev))
    return Collection(run.parent.name, rows, len(mined.train))


def by_name(name: str) -> Callable[[Collection, Sequence[Collection]], Row]:
    """The rule that ships the candidate of a name, or the last where nothing was trained."""
    return lambda one, _: next((row for row in one.rows if row[0].name == name), one.rows[-1])


def by_dev(one: Collection, _: Sequence[Collection]) -> Row:
    """The best on the most trusted dev set, as served."""
    return max(one.rows, key=lambda row: float(next(iter(row[1].served.values())).mean()))


def by_belief(one: Collection, others: Sequence[Collection]) -> Row:
    """The rule of the stage, with beliefs from the other collections."""

    def prior(kind: str, over: str) -> choice.Prior:
        having = [other for other in others if kind in other.kinds]
        served, dense = (
            choice.Belief(fmean(gains), max(0.005, float(np.std(gains, ddof=1))))
            for gains in (
                [other.gain(kind, over, dense) for other in having] for dense in (False, True)
            )
        )
        return choice.Prior(served, dense)

    beyond = {kind: prior(kind, ENRICHED) for kind in (MIXTURE, TRAINED)}
    few = choice.PRIORS.few
    priors = choice.Priors(prior(ENRICHED, BASE), beyond, choice.PRIORS.alone, few)
    standings = choice.stand([(c, dev) for c, dev, _ in one.rows], one.queries, priors)
    chosen = choice.choose(standings).candidate
    return next(row for row in one.rows if row[0] is chosen)


def as_committed(one: Collection, _: Sequence[Collection]) -> Row:
    """The rule of the stage as it is, with its own priors."""
    chosen = choice.choose(choice.stand([(c, dev) for c, dev, _ in one.rows], one.queries))
    return next(row for row in one.rows if row[0] is chosen.candidate)


RULES: Mapping[str, Callable[[Collection, Sequence[Collection]], Row]] = {
    "base": by_name("base"),
    "enriched": by_name("enriched"),
    "0.75 of the way": by_name("0.75 of the way"),
    "trained": by_name("trained"),
    "best on dev": by_dev,
    "as committed": as_committed,
    "beliefs": by_belief,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    collections = []
    for run in options.runs:
        collections.append(measured(run))
        print(f"{run}: candidate, weight, test as served, dense; dev as served, dense")
        for candidate, dev, test in collections[-1].rows:
            on_dev = "  ".join(
                f"{k} {100 * v.mean():.2f} {100 * dev.dense[k].mean():.2f}"
                for k, v in dev.served.items()
            )
            print(
                f"{candidate.name:18}{dev.weight.dense:6.3f}{100 * test.served[TEST].mean():7.2f}"
                f"{100 * test.dense[TEST].mean():7.2f}  {on_dev}",
                flush=True,
            )
    table = {}
    for name, rule in RULES.items():
        regrets = {}
        for one in collections:
            others = [other for other in collections if other is not one]
            if name == "beliefs" and len(others) < 2:
                continue
            best = max(float(row[2].served[TEST].mean()) for row in one.rows)
            reached = float(rule(one, others)[2].served[TEST].mean())
            regrets[one.name] = round(100 * (best - reached), 2)
        table[name] = regrets
        if regrets:
            print(f"{name:18} mean regret {fmean(regrets.values()):.2f}  {regrets}")
    if options.out:
        write_json(options.out, table)


if __name__ == "__main__":
    main()
