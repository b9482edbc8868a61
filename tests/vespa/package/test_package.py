import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from stages.lib.core.files import read_jsonl
from stages.lib.core.hashes import content_hash
from stages.lib.vespa.package.feed import doc_id_of, floats
from stages.lib.vespa.package.manifest import read_manifest
from tests.vespa.workspace import ROOT, TEXTS, Workspace, check, parse, write_texts


def component(workspace: Workspace) -> Any:
    root = parse(workspace.application / "services.xml")
    (found,) = root.findall("container/component")
    return found


def mend(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_package_holds_model_schema_and_profiles_named_by_the_models_hash(
    workspace: Workspace,
) -> None:
    check(workspace.package())
    application = read_manifest(workspace.application).application
    (served,) = application.models
    model = served.query.hash
    found = component(workspace)
    assert found.get("id") == f"emb_{model}"
    assert found.find("transformer-model").get("path") == f"models/{model}/model.onnx"
    assert found.find("transformer-token-type-ids").text is None
    assert found.find("prepend") is None
    packed = workspace.application / "models" / model / "model.onnx"
    assert packed.read_bytes() == (workspace.folder / "onnx" / "fp32" / "model.onnx").read_bytes()
    schema = (workspace.application / "schemas" / "doc.sd").read_text()
    assert f"field embedding_{model}_bfloat16 type tensor<bfloat16>(x[16])" in schema
    assert f"| trim | embed emb_{model} | attribute | index" in schema
    assert "bm25(contents).k1: 1.2" in schema
    profiles = workspace.application / "search" / "query-profiles"
    default = parse(profiles / "default.xml")
    assert default.get("inherits") == f"hybrid_{application.live}"
    semantic = parse(profiles / f"semantic_{application.live}.xml")
    fields = {each.get("name"): each.text for each in semantic}
    # a query profile must use the full names; input.query(q) would be ignored
    assert fields["ranking.features.query(q)"] == f"embed(emb_{model}, @query)"


def test_each_query_profile_names_a_rank_profile_that_exists(workspace: Workspace) -> None:
    check(workspace.package())
    schemas = workspace.application / "schemas"
    ranks = {"bm25", *(each.stem for each in (schemas / "doc").iterdir())}
    for path in schemas.glob("doc/*.profile"):
        assert f"rank-profile {path.stem} " in path.read_text()
    for path in (workspace.application / "search" / "query-profiles").iterdir():
        root = parse(path)
        assert root.get("id") == path.stem
        named = [each.text for each in root if each.get("name") == "ranking.profile"]
        assert set(named) <= ranks


def test_prefix_keeps_its_trailing_space_and_is_escaped(workspace: Workspace) -> None:
    workspace.write_model(seed=1, query="find <&> ", document="passage: ")
    check(workspace.package())
    found = component(workspace)
    assert found.find("prepend/query").text == "find <&> "
    assert found.find("prepend/document").text == "passage: "


def test_same_inputs_give_the_same_bytes_and_another_model_other_names(
    workspace: Workspace,
) -> None:
    check(workspace.package())
    first = content_hash(workspace.folder / "package")
    before = read_manifest(workspace.application).application.live
    check(workspace.package())
    assert content_hash(workspace.folder / "package") == first
    mend(workspace.folder / "onnx" / "fp32" / "embedder.json", query_prefix="query: ")
    check(workspace.package())
    assert read_manifest(workspace.application).application.live != before


def test_feed_has_each_document_once(workspace: Workspace) -> None:
    check(workspace.package())
    rows = [row for _, row in read_jsonl(workspace.folder / "package" / "feed.jsonl")]
    assert [doc_id_of(row["update"]) for row in rows] == sorted(TEXTS)
    assert all(row["create"] for row in rows)
    found = next(row for row in rows if row["update"] == "id:embedsmith:doc::b#2")
    assert found["fields"]["title"] == {"assign": "Agents & <proxies>"}


def test_fed_vectors_lie_in_the_document_and_in_a_feed_of_their_own(workspace: Workspace) -> None:
    workspace.set("package", vectors="fed")
    check(workspace.package())
    (served,) = read_manifest(workspace.application).application.models
    schema = (workspace.application / "schemas" / "doc.sd").read_text()
    document = schema[: schema.index("field contents")]
    assert f"    field {served.field} type tensor<bfloat16>(x[16])" in document
    rows = [row for _, row in read_jsonl(workspace.folder / "package" / "vectors.jsonl")]
    doc_ids = json.loads((workspace.folder / "vectors" / "doc_ids.json").read_text())
    assert [doc_id_of(row["update"]) for row in rows] == doc_ids
    stored = [floats(row["fields"][served.field]["assign"]["values"], "bfloat16") for row in rows]
    np.testing.assert_allclose(stored, workspace.vectors(), rtol=2**-8)


def test_tuned_query_tower_leaves_the_field_its_name(workspace: Workspace) -> None:
    onnx_folder = workspace.folder / "onnx"
    one = workspace.folder / "one"
    onnx_folder.rename(one)
    fields, labels = set(), set()
    for prefix in ("query: ", "ask: "):
        for side in ("query", "document"):
            target = onnx_folder / side
            target.mkdir(parents=True, exist_ok=True)
            for name in ("fp32/model.onnx", "fp32/tokenizer.json", "fp32/embedder.json"):
                (target / name).parent.mkdir(exist_ok=True)
                (target / name).write_bytes((one / name).read_bytes())
        mend(onnx_folder / "query" / "fp32" / "embedder.json", query_prefix=prefix)
        check(workspace.package())
        (served,) = read_manifest(workspace.application).application.models
        fields.add(served.field)
        labels.add(served.label)
        services = (workspace.application / "services.xml").read_text()
        assert len(re.findall('type="hugging-face-embedder"', services)) == 2
        schema = (workspace.application / "schemas" / "doc.sd").read_text()
        assert f"embed emb_{served.document.hash} |" in schema
    assert len(fields) == 1
    assert len(labels) == 2


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [("cloud", '<nodes count="2"'), ("cloud-gpu", '<gpu count="1"'), ("local", "<search")],
)
def test_nodes_by_place(workspace: Workspace, nodes: str, expected: str) -> None:
    workspace.set("package", nodes=nodes)
    check(workspace.package())
    services = (workspace.application / "services.xml").read_text()
    assert expected in services
    assert ("<nodes" in services) == (nodes != "local")


def refused(workspace: Workspace, message: str) -> None:
    result = workspace.package()
    assert result.exit_code == 1
    assert re.search(message, result.output), result.output
    assert "Traceback" not in result.output
    assert not (workspace.folder / "package").exists()
    assert not (workspace.folder / "metrics").exists()


def test_rank_profile_with_a_comment_before_it_is_refused(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = Path(shutil.copytree(ROOT / "application-package", tmp_path / "application-package"))
    path = edited / "schemas" / "rrf.profile"
    path.write_text("# by ranks alone\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr("tests.vespa.workspace.ROOT", tmp_path)
    refused(workspace, "rrf.profile: rank-profile comes first, comments after it")


def test_dimension_that_is_not_the_graphs_is_refused(workspace: Workspace) -> None:
    mend(workspace.folder / "onnx" / "fp32" / "embedder.json", dimension=8)
    refused(workspace, "has 16 dimensions, but its settings say 8")


def test_vectors_of_another_dimension_are_refused(workspace: Workspace) -> None:
    np.save(workspace.folder / "vectors" / "vectors.npy", np.ones((len(TEXTS), 8), np.float32))
    refused(workspace, "vectors of 8 dimensions, but .*onnx gives 16; run dvc repro export")


def test_vectors_of_another_corpus_are_refused(workspace: Workspace) -> None:
    write_texts(workspace, dict(list(TEXTS.items())[:3]))
    refused(workspace, "vectors of another corpus; run dvc repro")


def test_truncation_in_the_tokenizer_is_refused(workspace: Workspace) -> None:
    truncation = {"max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    mend(workspace.folder / "onnx" / "fp32" / "tokenizer.json", truncation=truncation)
    refused(workspace, "truncates at 8 tokens, which in Vespa wins over the 64")


def test_unknown_inputs_are_refused(workspace: Workspace) -> None:
    path = workspace.folder / "onnx" / "fp32" / "model.onnx"
    model = onnx.load(path)
    model.graph.input[0].name = "tokens"
    onnx.save(model, path)
    refused(workspace, "takes attention_mask, tokens; Vespa gives input_ids")


def test_pooling_that_does_not_fit_the_output_is_refused(workspace: Workspace) -> None:
    mend(workspace.folder / "onnx" / "fp32" / "embedder.json", pooling="none")
    refused(workspace, "last_hidden_state has 3 axes, but pooling 'none' needs 2")


def test_settings_that_say_otherwise_than_the_graph_are_refused(workspace: Workspace) -> None:
    settings = workspace.folder / "onnx" / "fp32" / "embedder.json"
    mend(settings, token_type_ids=True)
    refused(workspace, "its settings say token_type_ids True, the graph says otherwise")
    mend(settings, token_type_ids=False, output="pooled")
    refused(workspace, "gives last_hidden_state, but its settings say pooled; run dvc repro export")


def test_settings_are_checked_key_by_key(workspace: Workspace) -> None:
    settings = workspace.folder / "onnx" / "fp32" / "embedder.json"
    mend(settings, pooling="max")
    refused(workspace, "embedder.json: pooling: Input should be 'mean', 'cls' or 'none'; run dvc")
    mend(settings, pooling="mean", tokens=64)
    refused(
        workspace, "embedder.json: tokens: Extra inputs are not permitted; run dvc repro export"
    )


def test_weights_beside_the_graph_are_refused(workspace: Workspace) -> None:
    path = workspace.folder / "onnx" / "fp32" / "model.onnx"
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    refused(workspace, "keeps weights in a file beside it")


def test_file_above_two_gigabytes_is_refused(workspace: Workspace) -> None:
    with (workspace.folder / "onnx" / "fp32" / "model.onnx").open("ab") as file:
        file.truncate(2**31)  # sparse: takes no room
    refused(workspace, "2.0 GiB, but Vespa loads ONNX files below 2 GiB")


def test_variant_that_its_gate_refuses_gives_way_to_fp32(workspace: Workspace) -> None:
    workspace.set("package", variant="int8")
    workspace.judge(passed=False, variant="int8")
    check(workspace.package())
    metrics = json.loads((workspace.folder / "metrics" / "package.json").read_text())
    assert metrics["variant"] == "fp32"


def test_export_of_which_nothing_passed_is_refused(workspace: Workspace) -> None:
    workspace.judge(passed=False)
    refused(workspace, "no exported variant passed its gate")


def test_missing_export_and_broken_files_are_named(workspace: Workspace) -> None:
    (workspace.folder / "onnx" / "fp32" / "model.onnx").write_bytes(b"not a model")
    refused(workspace, "model.onnx: not an ONNX model; run dvc repro export")
    (workspace.folder / "onnx" / "fp32" / "model.onnx").unlink()
    refused(workspace, "model.onnx: no such file; run dvc repro export")


def test_trained_vectors_are_fed_under_a_name_of_their_own(workspace: Workspace) -> None:
    (workspace.folder / "vectors" / "encoder.txt").write_text("trained\n")
    refused(workspace, "package.vectors: vespa would embed documents by the base, .* set it to fed")
    workspace.set("package", vectors="fed")

    def field() -> str:
        check(workspace.package())
        found = json.loads((workspace.folder / "metrics" / "package.json").read_text())["field"]
        assert isinstance(found, str)
        return found

    before = field()
    moved = workspace.vectors()[:, ::-1]
    np.save(workspace.folder / "vectors" / "vectors.npy", moved)
    # the encoders are the same, yet old and new vectors must not meet in one field
    assert field() != before
