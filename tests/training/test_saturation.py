from stages.lib.core.examples import Example, Mined
from stages.lib.training.saturation import part


def mined() -> Mined:
    train = [
        Example(f"q{number}-{query}", "text", {}, (f"d{number}",))
        for number in range(200)
        for query in range(2)
    ]
    return Mined("fusion", train, [Example("phrase", "text", {}, source="d1")], [])


def test_a_part_has_whole_documents_and_grows() -> None:
    quarter, half, whole = (part(mined(), share, seed=1) for share in (0.25, 0.5, 1.0))
    assert whole == mined()
    documents = {example.positives[0] for example in quarter.train}
    assert 30 < len(documents) < 70
    assert len(quarter.train) == 2 * len(documents)
    assert {e.query_id for e in quarter.train} < {e.query_id for e in half.train}
    assert quarter.unlabelled == mined().unlabelled
    assert quarter.train != part(mined(), 0.25, seed=2).train
