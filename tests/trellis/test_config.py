"""A configuration is checked before anything moves."""

from pathlib import Path

import pytest

from trellis.config import Section, check_tables, load_configuration, section_types
from trellis.errors import ConfigError, InputError
from trellis.presets import preset, presets


def _write(folder: Path, text: str) -> Path:
    path = folder / "trellis.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_is_the_default_of_every_section(tmp_path: Path) -> None:
    configuration = load_configuration(_write(tmp_path, ""))
    assert set(configuration.sections) == set(section_types())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[wbe]\n", "did you mean 'web'"),
        ("[web]\nrefresh = 0.1\n", r"\[web\] refresh is not a known key; did you mean 'refresh_s'"),
        ('[web]\nrefresh_s = "fast"\n', "refresh_s"),
        ("[web]\nrefresh_s = nan\n", "refresh_s"),
        ("[web\n", "cannot be read as TOML"),
    ],
)
def test_a_fault_is_named_with_its_key_and_the_nearest_right_one(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load_configuration(_write(tmp_path, text))


def test_a_misspelt_key_inside_a_list_of_tables_is_found(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'cultivar'"):
        load_configuration(_write(tmp_path, '[[wall.plants]]\nname = "p1"\nposition_m = [1, 1]\ncultivr = "x"\n'))


def test_a_missing_file_names_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="trellis config presets"):
        load_configuration(tmp_path / "none.toml")


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    configuration = check_tables(tmp_path / "deep" / "trellis.toml", {})
    assert configuration.resolve("data") == tmp_path / "deep" / "data"


def test_a_section_that_nobody_registered_is_a_slip_of_the_caller(tmp_path: Path) -> None:
    class Stranger(Section):
        pass

    with pytest.raises(LookupError, match="Stranger"):
        check_tables(tmp_path / "trellis.toml", {}).section(Stranger)


@pytest.mark.parametrize("name", sorted(presets()))
def test_every_preset_is_good_and_says_what_it_is(name: str) -> None:
    assert preset(name).read_text(encoding="utf-8").startswith("# ")
    load_configuration(preset(name))


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(InputError, match="there is no preset 'dmeo'"):
        preset("dmeo")
