from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core import seeds


@given(st.sets(st.text(min_size=1), min_size=2), st.integers(0, 2**31))
def test_a_new_id_does_not_reshuffle_the_others(ids: set[str], seed: int) -> None:
    *others, new = sorted(ids)
    assert [each for each in seeds.shuffled(seed, ids) if each != new] == seeds.shuffled(
        seed, others
    )


def test_shares_are_spread_evenly() -> None:
    shares = [seeds.share(1, str(number)) for number in range(10_000)]
    assert all(0 <= share < 1 for share in shares)
    assert 0.47 < sum(share < 0.5 for share in shares) / len(shares) < 0.53


def test_ids_do_not_run_together() -> None:
    assert seeds.digest(1, "ab", "c") != seeds.digest(1, "a", "bc")
