"""What is remembered through a crash: whole or not at all."""

import json
from pathlib import Path

import pytest

from cdpr.memory import Memory, confirm_docked, four, recall, remember
from trellis.errors import InputError

MEMORY = Memory(
    "go to x 1.3 m, y 1.1 m", False, False, (1.3, 1.1), (1.5, 1.4, 1.6, 1.7), (0.1, -0.2, 0.3, 0.4), 1.0001,
    ("356153171", "356153172"), "2026-11-24T06:00:00+00:00", "an encoder slipped",
)  # fmt: skip


def test_it_comes_back_as_it_was_written(tmp_path: Path) -> None:
    remember(tmp_path / "carriage.json", MEMORY)
    assert recall(tmp_path / "carriage.json") == MEMORY


def test_nothing_written_is_nothing_remembered(tmp_path: Path) -> None:
    assert recall(tmp_path / "carriage.json") is None


def test_a_file_torn_at_any_byte_is_refused_and_never_taken_for_less(tmp_path: Path) -> None:
    path = tmp_path / "carriage.json"
    remember(path, MEMORY)
    whole = path.read_bytes()
    for length in range(0, len(whole.rstrip()), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="is damaged, so it is not known where the carriage hangs; dock it"):
            recall(path)


@pytest.mark.parametrize("damage", [{"version": 2}, {"more": 1}, {"turns": None, "drop": "turns"}])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, damage: dict[str, object]) -> None:
    path = tmp_path / "carriage.json"
    remember(path, MEMORY)
    table = json.loads(path.read_text())
    table.update({name: value for name, value in damage.items() if name != "drop"})
    if "drop" in damage:
        del table[damage["drop"]]
    path.write_text(json.dumps(table))
    with pytest.raises(InputError, match="is damaged"):
        recall(path)


@pytest.mark.parametrize("text", ["[1, 2]", "null", "3", '"carriage"'])
def test_json_that_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "carriage.json"
    path.write_text(text)
    with pytest.raises(InputError, match="is damaged"):
        recall(path)


def test_a_folder_in_its_place_is_an_error_and_not_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        recall(tmp_path)


def test_a_persons_word_replaces_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "carriage.json"
    path.write_text("{")
    confirm_docked(path, "2026-11-24T07:00:00+00:00")
    memory = recall(path)
    assert memory is not None
    assert (memory.confirmed, memory.docked, memory.at_rest, memory.doubt) == (True, True, True, None)


def test_four_are_four() -> None:
    assert four([1, 2, 3, 4]) == (1.0, 2.0, 3.0, 4.0)
    with pytest.raises(ValueError, match="unpack"):
        four([1, 2, 3])
