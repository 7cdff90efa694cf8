"""A small version of benchmarks/year.py: some days of a few plants, with power cuts and failing devices."""

from pathlib import Path

from benchmarks.year import year


def test_every_planned_turn_of_some_days_is_a_row_and_done_in_spite_of_power_cuts_and_faults(tmp_path: Path) -> None:
    assert year(tmp_path / "data", days=3, plants=4, faults=0.2, seed=1, for_s=-1) is None  # and then it goes on
    found = year(tmp_path / "data", days=3, plants=4, faults=0.2, seed=1)
    assert found is not None
    assert found["planned"] == found["rows"] == 12
    assert found["done"] + found["missed"] + found["failed"] + found["skipped"] == 12
    assert found["power_cuts"] == 3
    assert found["device_faults"] > 0
    assert found["without_a_reason"] == 0
    assert found["done"] >= 11  # each of three tries fails with one in five: one in 125 fails for good
