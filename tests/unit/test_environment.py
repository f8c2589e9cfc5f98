"""The facts about the machine, and the warnings that they cause."""

import sys
from pathlib import Path

import pytest

from gilscope import environment
from gilscope.model import Environment
from gilscope.record import structure


def test_the_environment_can_be_told_anywhere() -> None:
    """Everything that a report says of its machine is found, of the right type."""
    found = environment.collect_environment()
    assert found.python == sys.version.split()[0].rstrip("+")
    assert 1 <= found.cpus_allowed <= found.cpu_count
    assert structure(vars(found), Environment) == found


@pytest.mark.parametrize(
    ("cpus", "quota", "load", "words"),
    [
        (2, None, 0.5, []),
        (2, 2.0, 1.0, []),
        (2, None, None, []),
        (1, None, None, ["1 CPU is allowed"]),
        (8, 1.5, 3.0, ["quota is 1.50 CPUs"]),
        (4, None, 3.5, ["load was 3.5 on 4 CPUs"]),
        (1, 0.5, 2.0, ["1 CPU is allowed", "quota is 0.50", "load was 2.0"]),
    ],
)
def test_what_disturbs_is_said_with_its_figure(
    cpus: int, quota: float | None, load: float | None, words: list[str]
) -> None:
    """One CPU, a quota below two and a load that leaves too few are warned of."""
    found = environment.find_warnings(cpus, quota, load)
    assert len(found) == len(words)
    assert all(word in text for word, text in zip(words, found, strict=True))


def write_files(folder: Path, **contents: str) -> Path:
    """Make a folder with these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(f"{content}\n")
    return folder


@pytest.mark.parametrize(
    ("content", "quota"),
    [("max 100000", None), ("150000 100000", 1.5), ("garbage", None)],
)
def test_the_quota_is_read_from_version_2(
    tmp_path: Path, content: str, quota: float | None
) -> None:
    """cpu.max has the quota and its period, or "max"."""
    write_files(tmp_path, **{"cpu.max": content, "own": "0::/"})
    assert environment.read_cpu_quota(tmp_path, tmp_path / "own") == quota


@pytest.mark.parametrize(("us", "quota"), [("-1", None), ("50000", 0.5)])
def test_the_quota_is_read_from_version_1(
    tmp_path: Path, us: str, quota: float | None
) -> None:
    """Two files have the quota and its period; -1 is none."""
    write_files(tmp_path, own="5:memory:/\n4:cpu,cpuacct:/\n3:cpuset:/")
    contents = {"cpu.cfs_quota_us": us, "cpu.cfs_period_us": "100000"}
    write_files(tmp_path / "cpu", **contents)
    assert environment.read_cpu_quota(tmp_path, tmp_path / "own") == quota


@pytest.mark.parametrize("own", ["0::/slice/unit", "4:cpu,cpuacct:/slice/unit"])
def test_the_smallest_quota_on_the_way_up_counts(tmp_path: Path, own: str) -> None:
    """A group may use no more CPUs than the one that it lies in."""
    write_files(tmp_path, own=own)
    base = tmp_path / "cpu" if "cpu" in own else tmp_path
    write_files(base / "slice" / "unit", **{"cpu.max": "400000 100000"})
    write_files(base / "slice", **{"cpu.max": "150000 100000"})
    write_files(tmp_path.parent, **{"cpu.max": "10000 100000"})
    assert environment.read_cpu_quota(tmp_path, tmp_path / "own") == 1.5


def test_a_path_from_outside_a_container_leads_to_its_root(tmp_path: Path) -> None:
    """Where the named folder is not there, those above it are."""
    write_files(tmp_path, **{"cpu.max": "150000 100000", "own": "0::/host/id"})
    assert environment.read_cpu_quota(tmp_path, tmp_path / "own") == 1.5


def test_no_control_group_is_no_quota(tmp_path: Path) -> None:
    """Where there are no such files, there is no limit to tell of."""
    assert environment.read_cpu_quota(tmp_path, tmp_path / "own") is None
