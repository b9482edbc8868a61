"""Vespa's own code as a judge of what we send it: packages, queries, feeds and embedders."""

from tests.vespa.judge.building import Unavailable, build
from tests.vespa.judge.judge import Demand, Judge, Refused

__all__ = ["Demand", "Judge", "Refused", "Unavailable", "build"]
