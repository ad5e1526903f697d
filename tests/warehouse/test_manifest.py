"""The rules of modelling, kept by a test on what dbt parsed."""

import json
from pathlib import Path

import pytest

from tests.warehouse.support.builds import dbt


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict:
    data = tmp_path_factory.mktemp("manifest")
    dbt("parse", data=data)
    return json.loads((data / "target" / "manifest.json").read_text())


@pytest.fixture(scope="module")
def models(manifest: dict) -> dict[str, dict]:
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


def parents(manifest: dict, model: dict) -> list[str]:
    return manifest["parent_map"][model["unique_id"]]


def keys(manifest: dict, model: dict) -> list[str]:
    """The tests of a model that prove a primary key."""
    return [
        child
        for child in manifest["child_map"][model["unique_id"]]
        if child.startswith("test.") and child.split(".")[2].startswith(("unique_combination_", "unique_"))
    ]


def test_there_are_models(models):
    assert len(models) > 40


def test_every_model_says_its_grain(models):
    silent = [name for name, model in models.items() if not model["description"].startswith("One row per")]
    assert silent == []


def test_every_model_has_a_tested_primary_key(manifest, models):
    keyless = [name for name, model in models.items() if not keys(manifest, model)]
    assert keyless == []


def test_every_column_is_described(manifest):
    silent = [
        f"{node['name']}.{column}"
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
        for column, facts in node["columns"].items()
        if not facts["description"]
    ]
    assert silent == []


def test_no_column_is_named_metal(manifest, models):
    """An exposure keeps its name from the seed to the report: cotinine is no metal."""
    tables = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    assert not [
        node["name"] for node in tables if {"metal", "metals", "other_metal"} & node["columns"].keys()
    ]


# What a code is called, its place in an order, and its unit: in every mart, in this order, after the keys.
LABELS = {
    "study": ["study_title", "study_order"],
    "outcome": ["outcome_name", "outcome_order", "outcome_unit", "outcome_kind"],
    "exposure": ["exposure_name", "exposure_short_name", "exposure_order", "exposure_unit"],
    "covariate_set": ["covariate_set_name", "covariate_set_order"],
    "subgroup": ["subgroup_name", "subgroup_order"],
    "choice": ["choice_name", "choice_order"],
}


def test_every_mart_carries_the_labels_of_its_codes(models):
    marts = [model for model in models.values() if model["schema"] == "main"]
    assert sum("exposure" in mart["columns"] for mart in marts) > 12
    for mart in marts:
        columns = list(mart["columns"])
        wanted = [label for code, labels in LABELS.items() if code in columns for label in labels]
        assert [column for column in columns if column in wanted] == wanted, mart["name"]


def test_no_label_decides_a_fit(models):
    """A plan has codes alone, so that a new name fits nothing again."""
    labels = {label for of_code in LABELS.values() for label in of_code}
    plans = {name: set(model["columns"]) for name, model in models.items() if name.endswith("_plan")}
    assert len(plans) >= 5
    assert not {name for name, columns in plans.items() if labels & columns}


def test_every_seed_is_described_and_typed(manifest):
    seeds = [node for node in manifest["nodes"].values() if node["resource_type"] == "seed"]
    assert len(seeds) > 10
    for seed in seeds:
        header = Path(seed["root_path"], seed["original_file_path"]).read_text().splitlines()[0].split(",")
        assert seed["description"], seed["name"]
        assert list(seed["columns"]) == header, seed["name"]
        assert set(seed["config"]["column_types"]) == set(header), seed["name"]


def test_staging_reads_sources_and_seeds_only(manifest, models):
    for name, model in models.items():
        if name.startswith("stg_"):
            assert {parent.split(".")[0] for parent in parents(manifest, model)} <= {"source", "seed"}, name


def test_only_staging_reads_sources(manifest, models):
    for name, model in models.items():
        if not name.startswith("stg_"):
            assert not [parent for parent in parents(manifest, model) if parent.startswith("source.")], name


def test_intermediate_models_read_no_mart(manifest, models):
    for name, model in models.items():
        if "intermediate" in model["fqn"]:
            read = [models[p.split(".")[-1]] for p in parents(manifest, model) if p.startswith("model.")]
            assert not [parent["name"] for parent in read if "marts" in parent["fqn"]], name


def test_marts_have_contracts_and_stamps(models):
    marts = [model for model in models.values() if model["schema"] == "main"]
    assert len(marts) >= 10
    for model in marts:
        assert model["config"]["contract"]["enforced"], model["name"]
        assert {"run_id", "source"} <= set(model["columns"]), model["name"]


def test_public_is_what_is_published(manifest, models):
    """All marts but those with a row per person; public ones have contracts and are published."""
    public = {name for name, model in models.items() if model["access"] == "public"}
    marts = {name: model for name, model in models.items() if model["schema"] == "main"}
    assert public == {name for name, model in marts.items() if "seqn" not in model["columns"]}
    assert all(models[name]["config"]["contract"]["enforced"] for name in public)
    exposures = {node["name"]: node for node in manifest["exposures"].values()}
    read = {
        name: {parent.split(".")[-1] for parent in node["depends_on"]["nodes"]}
        for name, node in exposures.items()
    }
    assert read["published_database"] == public
    assert read["report"] < public


def test_python_models_feed_marts_and_nothing_else(manifest, models):
    fits = [model for model in models.values() if model["language"] == "python"]
    assert fits
    for model in fits:
        children = [c for c in manifest["child_map"][model["unique_id"]] if c.startswith("model.")]
        assert children, model["name"]
        assert {models[child.split(".")[-1]]["schema"] for child in children} == {"main"}
        assert len(model["raw_code"].splitlines()) <= 20, model["name"]
