"""Bad input by the command line: one clear line that names the fix, exit status 2, nothing half-written."""

import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from scan.plan import Plan
from trellis.cli import main

Run = Callable[..., str]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run `trellis` with some words in a folder of its own; it must end with status 2 and the one line returned."""

    def run(*words: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["trellis", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
        assert len(lines) == 1, lines
        assert lines[0].startswith("error: ")
        return lines[0]

    return run


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan is made at once."""
    monkeypatch.setattr("scan.command.plan_views", lambda *_: Plan("p01", (1.1, 1.0, 0.0), 0.1, 0.1, (), (), 0.0))


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Four sharp photographs of nothing in particular, and one that is cut off."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    random = np.random.default_rng(1)
    for number in range(5):
        picture = cv2.resize(random.integers(0, 255, (60, 80, 3), dtype=np.uint8), (320, 240))
        cv2.imwrite(str(folder / f"{number}.jpg"), picture)
    torn = folder / "4.jpg"
    torn.write_bytes(torn.read_bytes()[:2000])
    return folder


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def poses_of(names: list[str]) -> str:
    return "image,x_m,y_m,z_m,qw,qx,qy,qz\n" + "".join(f"{name},0,0,{k},1,0,0,0\n" for k, name in enumerate(names))


def test_an_empty_folder(refused: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "empty: no photograph in it; files must end in .jpg" in refused("reconstruct", "empty", "-o", "out")
    assert not (tmp_path / "out").exists()


def test_fewer_than_three_photographs(refused: Run, photographs: Path) -> None:
    for name in ("2.jpg", "3.jpg"):
        (photographs / name).unlink()
    line = refused("reconstruct", "photographs", "-o", "out")
    assert "2 usable photographs, at least 3 are needed; 4.jpg: truncated" in line


def test_poses_of_other_photographs(refused: Run, photographs: Path) -> None:
    (photographs.parent / "poses.csv").write_text(poses_of(["a.jpg", "b.jpg", "c.jpg"]))
    line = refused("reconstruct", "photographs", "--poses", "poses.csv", "-o", "out")
    assert "names other photographs: it has a.jpg, b.jpg, c.jpg, the folder 0.jpg, 1.jpg, 2.jpg" in line
    assert not (photographs.parent / "out").exists()


@pytest.mark.parametrize(
    ("option", "content", "said"),
    [
        ("--poses", "image,x_m\n0.jpg,1\n", r"a pose file has the columns image, x_m.*missing: \['y_m'"),
        ("--camera", 'model = "OPENCV"\nwidth = 3\n', r"has exactly the keys .*check \['height', 'params'\]"),
        ("--board", 'family = "DICT_APRILTAG_36h11"\n', r"has exactly the keys .*check \['corners', 'size_m'\]"),
    ],
)
def test_a_broken_file_beside_the_photographs(
    refused: Run, photographs: Path, option: str, content: str, said: str
) -> None:
    (photographs.parent / "broken").write_text(content)
    assert re.search(said, refused("reconstruct", "photographs", option, "broken", "-o", "out"))


def test_an_output_folder_that_is_a_file(refused: Run, photographs: Path) -> None:
    (photographs.parent / "out").write_text("mine")
    assert "out" in refused("reconstruct", "photographs", "-o", "out")
    assert (photographs.parent / "out").read_text() == "mine"


def test_a_misspelt_key_and_section_suggest_the_nearest(refused: Run, tmp_path: Path) -> None:
    (tmp_path / "key.toml").write_text("[cables]\ntension_mim_n = 5.0\n")
    line = refused("config", "check", "key.toml")
    assert "[cables] tension_mim_n is not a known key; did you mean 'tension_min_n'?" in line
    (tmp_path / "section.toml").write_text("[cabels]\n")
    assert "[cabels] is not a known section; did you mean 'cables'?" in refused("config", "check", "section.toml")


def test_a_zone_that_is_none(refused: Run, tmp_path: Path) -> None:
    (tmp_path / "zone.toml").write_text('[farm]\ntimezone = "Berlin"\n')
    line = refused("config", "check", "zone.toml")
    assert line.endswith("not an IANA time zone; write one such as 'Europe/Berlin' or 'UTC', not 'Berlin'")
    assert "Value error" not in line


@pytest.mark.parametrize("words", [("daemon",), ("web",), ("status",), ("scan", "p01"), ("plan", "p01")])
def test_a_configuration_that_is_not_there(refused: Run, words: tuple[str, ...]) -> None:
    assert "none.toml: there is no such file" in refused(*words, "--config", "none.toml")


@pytest.mark.parametrize("command", ["scan", "plan"])
def test_a_plant_that_is_not_on_the_wall(refused: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "farm.toml").write_text('[[wall.plants]]\nname = "p01"\nposition_m = [1.1, 1.0]\n')
    line = refused(command, "p77", "--config", "farm.toml")
    assert "'p77'" in line
    assert line.rstrip().endswith("p01")


def test_a_stop_without_a_daemon_says_what_to_start(refused: Run, tmp_path: Path) -> None:
    (tmp_path / "farm.toml").write_text("")
    assert "no daemon runs" in refused("stop", "--config", "farm.toml")


@pytest.mark.parametrize(
    "words",
    [
        ("demo", "--once", "--data", "taken"),
        ("web", "--config", "taken.toml"),
        ("daemon", "--config", "taken.toml"),
        ("scan", "p01", "--config", "taken.toml"),
        ("plan", "p01", "--config", "taken.toml", "--out", "taken/plan.json"),
        ("sim", "--port", "0", "--links", "taken/links"),
        ("sim", "strip", "--out", "taken/strip.jpg"),
        ("sim", "render", "p01", "--views", "1", "--out", "taken/set"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_place_to_write_to_that_is_a_file(refused: Run, quick: None, tmp_path: Path, words: tuple[str, ...]) -> None:
    wall = '[[wall.plants]]\nname = "p01"\nposition_m = [1.1, 1.0]\n'
    (tmp_path / "taken.toml").write_text(f'[farm]\ndata_folder = "taken"\n[web]\nport = {free_port()}\n{wall}')
    (tmp_path / "taken").write_text("mine")
    line = refused(*words)
    assert "taken" in line
    assert re.search("File exists|Not a directory", line)
    assert "check" in line
    assert (tmp_path / "taken").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken", "taken.toml"]


def test_poses_that_cannot_be_written(refused: Run, tmp_path: Path) -> None:
    columns = "image,base_yaw_rad,camera_radius_m,camera_height_m,focus_height_m\n"
    (tmp_path / "targets.csv").write_text(f"{columns}0.jpg,0.0,0.125,0.2,0.255\n")
    (tmp_path / "taken").write_text("mine")
    assert "cannot write taken" in refused("arm", "poses", "targets.csv", "-o", "taken/poses.csv")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sim", "--port", "0", "--cultivar", "rose"), "cultivar = 'rose': the simulated farm grows butterhead, loose"),
        (("sim", "--port", "0", "--day", "90"), "day = 90: a simulated lettuce is known from day 5 to 60"),
        (("sim", "--port", "0", "--errors", "sloppy"), "'sloppy': the simulated builder is one of none, calibrated"),
        (("sim", "render", "p01", "-o", "out", "--day", "90"), "day = 90: a simulated lettuce is known from day 5"),
        (("measure", "none"), "none: not a finished reconstruction (sparse/ or images.json is missing or damaged)"),
        (("config", "show", "farm"), "there is no preset 'farm'; known are demo, hydroponic, klaus"),
        (("config", "check", "."), "cannot be read as TOML: Is a directory"),
        (("cdpr", "locate", "none.csv", "--robot", "klaus", "-o", "x"), "none.csv: cannot read the log: No such file"),
        (("mass", "fit", "none.csv", "-o", "x"), "none.csv: cannot read the table: No such file"),
        (("arm", "poses", "none.csv", "-o", "x"), "none.csv: cannot read the arm's targets: No such file"),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, tuple) else "",
)
def test_a_value_or_file_that_cannot_be(refused: Run, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    assert said in refused(*words)
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_clock_is_found_before_anything_is_driven(refused: Run, tmp_path: Path) -> None:
    (tmp_path / "farm.toml").write_text('[cell]\nclock = "simm"\n')
    assert "[cell] clock: no such clock; known are system, sim, not 'simm'" in refused("config", "check", "farm.toml")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("reconstruct", "x", "--age=-1"), "'--age'"),
        (("reconstruct", "x", "--radius", "0"), "'--radius'"),
        (("reconstruct", "x", "--progress", "shiny"), "'shiny' is not one of 'auto', 'json', 'none'"),
        (("scan",), "Missing argument 'plant'"),
        (("wiegh",), "No such command 'wiegh'"),
    ],
)
def test_a_slip_in_the_words_names_the_word_and_where_help_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["trellis", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert "--help' for help." in error
    assert said in error.splitlines()[-1]


def test_no_help_loses_a_word_in_square_brackets_or_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []
    for words in (("cdpr", "calibrate", "--help"), ("--help",)):
        monkeypatch.setattr(sys, "argv", ["trellis", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        shown.append(" ".join(capsys.readouterr().out.split()))
    assert "a preset's name, or a file with [cables]." in shown[0]
    assert "all actuators freeze and hold. Not a safety-rated stop." in shown[1]
