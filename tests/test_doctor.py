"""`gatecast doctor`: a sound installation is called that, and each thing that is wrong is told with what to do."""

import importlib.metadata
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
import torch

from gatecast.cli import main
from gatecast.doctor import Diagnosis, Finding, as_text, examining, kernels, machine, packages, places, torchs
from gatecast.doctor.child import tried
from gatecast.doctor.extras import extras
from gatecast.doctor.packages import Requirement
from gatecast.doctor.screen import can_write, screen
from gatecast.kernels.library import BUILT, instruction_sets, library

MODULE = (sys.executable, "-m", "gatecast.doctor")
COMMAND = (sys.executable, "-c", "from gatecast.cli import main; raise SystemExit(main())")


def named(found: list[Finding], name: str) -> Finding:
    (one,) = (finding for finding in found if finding.name == name)
    return one


# A sound installation


@pytest.fixture(scope="module")
def whole() -> subprocess.CompletedProcess[str]:
    """The doctor of the command line, at work where HOME cannot be written."""
    environment = os.environ | {"HOME": "/proc/nobody", "MPLCONFIGDIR": "", "XDG_CACHE_HOME": ""}
    command = [*COMMAND, "doctor", "--json"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_sound_installation_is_called_that_and_everything_was_tried(whole: subprocess.CompletedProcess[str]) -> None:
    assert (whole.returncode, whole.stderr) == (0, "")
    told = json.loads(whole.stdout)
    assert told["healthy"] is True
    by_name = {finding["name"]: finding for finding in told["findings"]}
    assert {
        "torch",
        "polars",
        "fit",
        "save and load",
        "an observation",
        "processors",
        "memory",
        "GPU",
    } <= by_name.keys()
    assert by_name["save and load"]["value"] == "the same forecast, to the bit"
    if instruction_sets() and (BUILT / f"{instruction_sets()[0]}.so").exists():
        assert by_name["in use"]["value"] == instruction_sets()[0]
        assert by_name["right"]["status"] == "fine"


def test_a_home_that_cannot_be_written_is_a_note_with_a_remedy(whole: subprocess.CompletedProcess[str]) -> None:
    findings = json.loads(whole.stdout)["findings"]
    (cache,) = (finding for finding in findings if finding["name"] == "cache of fonts")
    assert cache["status"] == "note"
    assert cache["value"].startswith("/proc/nobody/.cache/matplotlib cannot be written")
    assert cache["remedy"] == "export MPLCONFIGDIR=FOLDER, one that can be written"


def test_something_broken_is_exit_code_1_named_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    sick = Diagnosis((Finding("packages", "torch", "not installed", "broken", "pip install torch"),))
    monkeypatch.setattr("gatecast.doctor.examine", lambda: sick)
    assert main(["doctor"]) == 1
    told = capfd.readouterr()
    assert told.err == "gatecast: broken: torch.\n"
    assert "-> pip install torch" in told.out
    assert "gatecast is not well: 1 thing broken." in told.out


def test_a_look_that_fails_is_told_and_the_others_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble() -> Iterator[Finding]:
        raise RuntimeError("no such file")
        yield

    monkeypatch.setattr(examining, "machine", stumble)
    monkeypatch.setattr(examining, "tried", lambda packages: [Finding("trial", "fit", str(len(packages)))])
    found = examining.examine()
    assert [finding.value for finding in found.broken] == ["RuntimeError: no such file"]
    assert {"packages", "trial", "places", "terminal"} <= {finding.part for finding in found.findings}


def test_the_doctor_loads_nothing_but_pythons_own_library() -> None:
    script = "import gatecast.doctor, gatecast.doctor.__main__, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"torch", "numpy", "polars", "msgspec", "rich", "cyclopts", "apsw"}
    assert subprocess.run([*MODULE, "--what"], capture_output=True, check=False).returncode == 2


# Packages


def package(folder: Path, name: str, version: str, files: dict[str, str], lost: tuple[str, ...] = ()) -> None:
    """A package as pip leaves it, without what was `lost` since."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    information = folder / f"{name}-{version}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (information / "RECORD").write_text("".join(f"{path},,\n" for path in (*files, *lost)))


def test_a_half_installed_package_is_broken_and_says_which_file_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = ("halfdone/core.so", "halfdone/tests/test_core.py", "halfdone/__pycache__/a.pyc", "../../bin/halfdone.py")
    package(tmp_path, "halfdone", "2.1", {"halfdone/__init__.py": ""}, lost)
    monkeypatch.syspath_prepend(tmp_path)
    value, status, remedy = packages.judged(Requirement("halfdone", "2.0", None))
    assert (value, status) == ("2.1, half installed: 1 file is missing, such as halfdone/core.so", "broken")
    assert remedy == "pip install --force-reinstall --no-deps 'halfdone>=2.0'"


def test_a_file_that_is_missing_is_told_where_the_metadata_leave_it_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "halfdone", "2.1", {"halfdone/__init__.py": ""}, ("halfdone/core.so",))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(importlib.metadata.Distribution, "files", property(lambda _: []))  # Python 3.12 on
    assert packages.missing_files("halfdone") == ["halfdone/core.so"]


def test_a_package_that_is_too_old_or_not_there_is_broken_with_the_line_that_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "olden", "1.9.7", {"olden.py": ""})
    monkeypatch.syspath_prepend(tmp_path)
    asked = [Requirement("olden", "1.10", None), Requirement("nobodys-package", "3", None)]
    found = list(packages.packages(asked))
    assert named(found, "olden") == Finding(
        "packages", "olden", "1.9.7, older than 1.10", "broken", "pip install 'olden>=1.10'"
    )
    assert named(found, "nobodys-package").remedy == "pip install 'nobodys-package>=3'"


def test_versions_are_compared_as_numbers() -> None:
    ordered = ("", "0.9", "1.9.7", "1.10", "2.0.dev1", "2.13.0+cpu")
    assert [packages.as_numbers(version) for version in ordered] == sorted(map(packages.as_numbers, ordered))


def test_every_requirement_of_the_package_is_understood() -> None:
    """`packaging` reads them from the same metadata."""
    reader = pytest.importorskip("packaging.requirements", reason="packaging, the judge, is not installed")
    lines = requires("gatecast") or []
    judged = [reader.Requirement(line) for line in lines]
    expected = {
        (each.name, "".join(item.version for item in each.specifier))
        for each in judged
        if each.marker is None or any(each.marker.evaluate({"extra": name}) for name in ("", *all_extras(lines)))
    }
    assert {(each.name, each.least) for each in packages.requirements()} == expected


def all_extras(lines: list[str]) -> set[str]:
    return {each.extra for line in lines if (each := packages.requirement(line)) is not None and each.extra}


def test_a_requirement_of_another_system_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "uvloop>=0.21; sys_platform != 'win32' and extra == 'serve'"
    assert packages.requirement(line) == Requirement("uvloop", "0.21", "serve")
    monkeypatch.setattr(sys, "platform", "win32")
    assert packages.requirement(line) is None


def test_an_extra_is_whole_absent_or_not_whole_and_the_line_that_installs_it_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "there", "1.0", {"there.py": ""})
    package(tmp_path, "rotten", "1.0", {}, ("rotten.py",))
    monkeypatch.syspath_prepend(tmp_path)
    parts = {
        "whole": ("there",),
        "no": ("nobodys-a",),
        "half": ("there", "nobodys-a"),
        "bad": ("rotten",),
        "dev": ("x",),
    }
    found = list(extras([Requirement(name, "1", extra) for extra, names in parts.items() for name in names]))
    assert [finding.name for finding in found] == ["bad", "half", "no", "whole"], "those of developers are left out"
    assert named(found, "whole").status == "fine"
    assert (named(found, "no").status, named(found, "no").remedy) == ("absent", "pip install 'gatecast[no]'")
    assert named(found, "half").value == "not whole: nobodys-a not installed"
    assert (named(found, "half").status, named(found, "bad").status) == ("note", "broken")


# What is tried in a process of its own


def fake(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: str) -> None:
    """A module that comes before the real one."""
    (folder / f"{name}.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_a_torch_whose_libraries_are_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, "torch", "raise OSError('libtorch_cpu.so: cannot open shared object file')")
    found = list(tried(["json", "torch"]))
    broken = named(found, "import torch")
    assert (broken.status, broken.remedy) == ("broken", "pip install --force-reinstall torch")
    assert broken.value == "OSError: libtorch_cpu.so: cannot open shared object file"
    assert named(found, "gatecast").value == "not tried, because torch cannot be imported"


def test_a_library_that_crashes_takes_no_doctor_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import os, signal, sys; print('bad opcode', file=sys.stderr); os.kill(os.getpid(), signal.SIGILL)"
    fake(tmp_path, monkeypatch, "torch", code)
    (found,) = tried(["torch"])
    assert (found.name, found.status) == ("importing torch", "broken")
    assert found.value == f"the process was ended by {signal.SIGILL.name}: bad opcode"
    assert found.remedy == "pip install --force-reinstall torch"


def test_a_library_that_hangs_or_prints_is_no_trouble_for_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path, monkeypatch, "torch", "print('hello'); import time; time.sleep(60)")
    (found,) = tried(["torch"], patience=3.0)
    assert found.value == "the process did not come to an end within 3 s: hello"


def test_the_command_line_without_its_parser_says_who_can_tell_more(tmp_path: Path) -> None:
    (tmp_path / "cyclopts.py").write_text("raise ImportError('cannot import name App')")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([*COMMAND, "--help"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "gatecast: cannot import name App. It is not wholly installed; this tells more: python -m gatecast.doctor\n"
    )


def test_a_command_that_needs_a_broken_torch_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libc10.so: cannot open shared object file')")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([*COMMAND, "settings"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("gatecast: libc10.so: cannot open shared object file. Something is not wholly")
    assert "`gatecast doctor` tells what" in done.stderr


# Kernels


@pytest.fixture
def switched(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """What is said by the switch holds for one test."""
    library.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    library.cache_clear()


@pytest.mark.parametrize(
    ("said", "status", "value"),
    [("off", "note", "none, but torch's own: GATECAST_KERNELS=off"), ("sse9", "broken", "GATECAST_KERNELS='sse9' is")],
)
def test_kernels_that_were_switched_off_are_told(
    switched: pytest.MonkeyPatch, said: str, status: str, value: str
) -> None:
    switched.setenv("GATECAST_KERNELS", said)
    used = named(list(kernels.kernels()), "in use")
    assert used.status == status
    assert used.value.startswith(value)
    assert used.remedy == "unset GATECAST_KERNELS"


def test_a_kernel_that_computes_something_else_is_broken(switched: pytest.MonkeyPatch) -> None:
    if isinstance(library(), str):
        pytest.skip("there are no kernels on this machine")
    right = kernels.run_kernel
    assert named(list(kernels.kernels()), "right").status == "fine"

    def wrong(kernel: object, *parts: object) -> object:
        done = right(kernel, *parts)  # type: ignore[arg-type]
        return done._replace(output=done.output + 1e-3 * (kernel.name == "lstm"))  # type: ignore[attr-defined]

    switched.setattr(kernels, "run_kernel", wrong)
    found = named(list(kernels.kernels()), "right")
    assert found.status == "broken"
    assert "lstm computes something else" in found.value
    assert found.remedy == "export GATECAST_KERNELS=off"


def test_a_library_that_is_none_is_broken(switched: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sets = instruction_sets() or ("avx2",)
    (tmp_path / f"{sets[0]}.so").write_bytes(b"no library")
    switched.setattr("gatecast.kernels.library.BUILT", tmp_path)
    switched.setattr("gatecast.kernels.library.instruction_sets", lambda: sets)
    used = named(list(kernels.kernels()), "in use")
    assert used.status == "broken"
    assert "pip install" in used.remedy


# The machine


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


SECOND = {
    "proc/meminfo": "MemTotal: 16777216 kB\n",
    "proc/self/cgroup": "0::/user.slice/mine.scope\n",
    "sys/fs/cgroup/user.slice/cpu.max": "50000 100000\n",
    "sys/fs/cgroup/user.slice/mine.scope/cpu.max": "max 100000\n",
    "sys/fs/cgroup/user.slice/mine.scope/memory.max": f"{2**29}\n",
}
FIRST = {
    "proc/meminfo": "MemTotal: 16777216 kB\n",
    "proc/self/cgroup": "4:memory:/job\n1:cpu,cpuacct:/job\n",
    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    "sys/fs/cgroup/memory/job/memory.limit_in_bytes": f"{2**29}\n",
}


@pytest.mark.parametrize("files", [SECOND, FIRST], ids=["cgroup 2", "cgroup 1"])
def test_what_a_container_leaves_is_seen(tmp_path: Path, files: dict[str, str]) -> None:
    root = written(tmp_path, files)
    assert machine.processor_limit(root) == 0.5
    assert machine.memory_limit(root) == 2**29
    found = list(machine.machine(root))
    assert "for the time of 0.5: more threads than that wait for each other" in named(found, "processors").value
    assert named(found, "processors").remedy == "export OMP_NUM_THREADS=1"
    assert named(found, "memory").value == "16.0 GiB, of which a container leaves 0.5 GiB"
    assert named(found, "memory").status == "note"


def test_without_limits_there_are_none(tmp_path: Path) -> None:
    nothing = {"sys/fs/cgroup/cpu.max": "max 100000\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2**63 - 4096}"}
    for root in (written(tmp_path, nothing), tmp_path / "nowhere"):
        assert machine.processor_limit(root) is None
        assert machine.memory_limit(root) is None


@pytest.mark.parametrize(
    ("sees", "built", "value"),
    [
        (False, None, "there is one, but this torch is built for processors alone"),
        (False, "13.0", "there is one, but torch cannot use it: its driver may be too old"),
        (True, "13.0", "H100: gatecast fit --device cuda"),
    ],
)
def test_a_gpu_is_told_and_why_torch_cannot_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, sees: bool, built: str | None, value: str
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: sees)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "H100")
    monkeypatch.setattr(torch.version, "cuda", built)
    found = torchs.gpu(written(tmp_path, {"dev/nvidia0": ""}))
    assert found.value == value
    assert (found.status == "fine") == sees


# Places and the terminal


def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_left_in_one_that_can(tmp_path: Path) -> None:
    assert places.trouble_writing(Path("/proc"))
    assert places.trouble_writing(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_without_letters_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_write("▁█✓é", "utf-8")
    assert not can_write("▁█✓é", "ascii")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    letters = named(list(screen()), "letters")
    assert (letters.status, letters.value) == ("note", "ascii: others become ?")
    told = as_text(Diagnosis((Finding("a", "b", "c"), Finding("a", "d", "e", "broken", "do it"))))
    assert told.isascii(), "signs become words"
    assert "BROKEN d" in told


class Screen(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_in_a_terminal_lines_are_broken_between_words_in_colours_and_names_never_act(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", Screen())
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    found = Diagnosis((Finding("a", "evil", "word " * 30 + "\x1b[2J", "broken", "do it"),))
    told = as_text(found)
    assert "\x1b[31;1m✗\x1b[0m" in told
    assert "\x1b[2J" not in told
    assert max(len(line) for line in told.splitlines() if "word" in line) <= 60 + len("\x1b[31;1m\x1b[0m")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in as_text(found)
