"""What ``taktsight check`` says of recorded machines: Jetsons of every row, PCs, and what ails them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from taktsight.inspect import pace
from taktsight.inspect.commands import check as check_module
from taktsight.inspect.commands.check import check
from taktsight.inspect.config import load_station
from taktsight.inspect.machine import probe as probe_module
from taktsight.inspect.machine.board import CUDA, CUDNN, TENSORRT, read_board
from taktsight.inspect.machine.examine import examine
from taktsight.inspect.machine.finding import Finding
from taktsight.inspect.machine.jetpack import JETPACKS, is_release, jetpack_of, l4t_of, version_of
from taktsight.inspect.machine.probe import ABSENT, HUNG, Probe, Ran, this_machine

from .place import Place
from .recorded_machines import NAMES, graded, looked_at, recorded, unanswered
from .running_line import taktsight

JETSONS = [name for name in NAMES if name.startswith("jetpack-") and name != "jetpack-unknown"]
PCS = [name for name in NAMES if name.startswith("pc-")]
RECORDED_ROWS = ("5.1.2", "5.1.4", "6.0", "6.1", "6.2", "6.2.1", "7.0", "7.2")


@pytest.mark.parametrize("name", JETSONS)
def test_recorded_jetson_is_of_its_row(name: str, tmp_path: Path) -> None:
    board = read_board(recorded(name, tmp_path))
    assert board is not None
    row = board.jetpack
    assert row is not None
    (version,) = re.findall(r"jetpack-([\d.]+)-", name)
    assert row.name == ("6.2" if "half-updated" in name else version)
    libraries = ((board.cuda, row.cuda), (board.version(CUDA), row.cuda), (board.version(CUDNN), row.cudnn))
    for found, expected in (*libraries, (board.version(TENSORRT), row.tensorrt)):
        assert not found or (expected and is_release(found, expected))


def test_rows_that_differ_in_what_they_bring_are_recorded() -> None:
    names = {re.findall(r"jetpack-([\d.]+)-", name)[0] for name in JETSONS}
    assert names == set(RECORDED_ROWS)
    brought = {(row.cuda, row.cudnn, row.tensorrt, row.python) for row in JETPACKS if row.name in names}
    assert {(row.cuda, row.cudnn, row.tensorrt, row.python) for row in JETPACKS if row.cudnn} == brought


def test_no_jetson_linux_stands_in_two_rows() -> None:
    releases = [release for row in JETPACKS for release in row.l4t]
    assert len(releases) == len(set(releases))
    assert [version_of(row.name) for row in JETPACKS] == sorted(version_of(row.name) for row in JETPACKS)


def test_unknown_row_is_said_to_be_unknown_and_nothing_is_concluded(tmp_path: Path) -> None:
    found = looked_at(recorded("jetpack-unknown", tmp_path), "tensorrt:fp16")
    assert "L4T 41.1.0 is unknown here" in found["jetpack"].text
    assert graded(found, "fix") == []
    assert (found["libnvinfer"].grade, found["cudnn"].grade) == ("ok", "ok")


@pytest.mark.parametrize("release", ["36.4.1", "36.40.0", "36.4", "35.1.0", "40.2.0"])
def test_release_between_two_known_ones_is_unknown(release: str) -> None:
    assert jetpack_of(release) is None


def test_release_file_that_says_something_else_is_no_release(tmp_path: Path) -> None:
    assert l4t_of("# R32 (release), REVISION: 7.4, GCID: 33514132, BOARD: t210ref") == "32.7.4"
    assert l4t_of("R36.4.3") is None
    found = looked_at(recorded("jetpack-6.2-orin-nano", tmp_path, nv_tegra_release="mine\n"))
    assert found["jetpack"].text.endswith("which JetPack this is cannot be told")


def test_xavier_cannot_run_tensorrt_and_is_not_sent_to_a_jetpack_that_does_not_exist(
    tmp_path: Path,
) -> None:
    probe = recorded("jetpack-5.1.2-xavier-nx", tmp_path)
    asked = looked_at(probe, "tensorrt:fp16")["jetpack"]
    assert asked.grade == "fix"
    assert asked.text.endswith("no JetPack for Xavier has it, or set backend.kind to onnxruntime")
    assert graded(looked_at(probe, "onnxruntime:f32"), "fix") == []


@pytest.mark.parametrize("name", ["jetpack-5.1.4-orin-nano", "jetpack-6.0-orin-nano"])
def test_orin_with_an_old_tensorrt_is_told_what_to_flash(name: str, tmp_path: Path) -> None:
    found = looked_at(recorded(name, tmp_path), "tensorrt:fp16")
    assert "flash JetPack 6.2.2" in found["jetpack"].text
    assert set(graded(found, "fix")) == {"jetpack", "tensorrt"}


def test_flashed_board_without_its_libraries_is_told_to_install_them(tmp_path: Path) -> None:
    probe = recorded("jetpack-6.1-orin-nx", tmp_path)
    found = looked_at(probe, "tensorrt:fp16")
    assert set(graded(found, "fix")) == {"cuda", "libnvinfer", "tensorrt"}
    assert found["libnvinfer"].command == "sudo apt update && sudo apt install nvidia-jetpack"
    assert graded(looked_at(probe, "onnxruntime:f32"), "fix") == []


def test_board_that_is_set_up_is_all_right(tmp_path: Path) -> None:
    found = looked_at(recorded("jetpack-6.2.1-agx-orin", tmp_path), "tensorrt:fp16")
    assert set(graded(found, "ok")) == set(found)
    assert found["tensorrt"].text == "10.3.0; runs tensorrt:fp16, as the station asks"


def test_environment_that_hides_the_systems_tensorrt_is_made_anew(tmp_path: Path) -> None:
    found = looked_at(recorded("jetpack-6.2.1-orin-nano-half-updated", tmp_path), "tensorrt:fp16")
    assert found["tensorrt"].grade == "fix"
    assert "/usr/bin/python3.10 -m venv --system-site-packages" in found["tensorrt"].command
    assert found["jetpack"].text.endswith("with the packages of JetPack 6.2.1: updated by half")


def test_library_of_another_jetpack_is_noted(tmp_path: Path) -> None:
    version = '{"cuda": {"name": "CUDA SDK", "version": "12.2.140"}}'
    changes = {"version.json": version}
    found = looked_at(recorded("jetpack-6.2-orin-nano", tmp_path, **changes))
    assert found["cuda"].grade == "note"
    assert "12.2.140, and this JetPack comes with 12.6" in found["cuda"].text


@pytest.mark.parametrize(
    ("name", "number"),
    [("jetpack-6.2-orin-nano", 2), ("jetpack-6.1-orin-nx", 0), ("jetpack-7.0-agx-thor", 0)],
)
def test_capped_power_mode_names_the_mode_that_is_not(name: str, number: int, tmp_path: Path) -> None:
    found = looked_at(recorded(name, tmp_path))
    assert (found["power"].grade, found["power"].command) == ("note", f"sudo nvpmodel -m {number}")


def test_power_modes_without_a_maximum_are_not_judged(tmp_path: Path) -> None:
    found = looked_at(recorded("jetpack-5.1.2-xavier-nx", tmp_path))
    assert found["power"].grade == "ok"
    assert found["power"].text.startswith("MODE_10W_DESKTOP of MODE_15W_2CORE, ")


def test_maxn_beside_maxn_super_is_capped(tmp_path: Path) -> None:
    modes = "< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n"
    probe = recorded(
        "jetpack-6.2-orin-nano",
        tmp_path,
        **{"nvpmodel.conf": modes, "nvpmodel": "NV Power Mode: MAXN\n0\n"},
    )
    assert looked_at(probe)["power"].command == "sudo nvpmodel -m 2"


def test_clocks_are_read_from_the_kernel_where_root_alone_may_ask(tmp_path: Path) -> None:
    found = looked_at(recorded("jetpack-5.1.4-orin-nano", tmp_path))
    assert found["clocks"].text.startswith("CPU up to 1510 MHz, GPU up to 625 MHz, slower between parts")
    assert found["clocks"].command == "sudo jetson_clocks"


def test_held_clocks_are_all_right(tmp_path: Path) -> None:
    found = looked_at(recorded("jetpack-7.2-agx-orin", tmp_path))
    assert found["clocks"].text == "CPU up to 2202 MHz, GPU up to 1300 MHz, held there"


def test_small_board_without_swap_may_run_out_while_an_engine_is_built(tmp_path: Path) -> None:
    probe = recorded("jetpack-5.1.4-orin-nano", tmp_path)
    assert "mkswap" in looked_at(probe, "tensorrt:fp16")["memory"].command
    assert looked_at(probe, "onnxruntime:f32")["memory"].grade == "ok"


def test_a_model_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    probe = recorded("jetpack-6.2-orin-nano", tmp_path)
    assert looked_at(probe, "tensorrt:fp16", model_mb=900)["memory"].grade == "ok"
    assert looked_at(probe, "tensorrt:fp16", model_mb=1200)["memory"].grade == "fix"


def test_old_pc_runs_float32_and_is_told_what_it_cannot_run(tmp_path: Path) -> None:
    probe = recorded("pc-old", tmp_path, meminfo="MemTotal: 4000000 kB\nMemAvailable: 3000000 kB\n")
    assert graded(looked_at(probe, "onnxruntime:f32"), "fix") == []
    assert looked_at(probe, "onnxruntime:int8")["processor"].grade == "note"
    asked = looked_at(probe, "openvino:bf16")
    assert set(graded(asked, "fix")) == {"processor", "openvino"}
    assert asked["openvino"].command == "pip install 'taktsight[openvino]'"
    assert looked_at(probe)["governor"].grade == "note"


def test_server_processor_runs_bf16(tmp_path: Path) -> None:
    found = looked_at(recorded("pc-server", tmp_path), "openvino:bf16")
    assert graded(found, "fix") == []
    assert found["processor"].text.endswith("computes bf16, as the station asks")


@pytest.mark.parametrize(
    "engine", ["tensorrt:fp16", "onnxruntime:f32:cuda", "onnxruntime:fp16:tensorrt", "tensorrt_rtx:fp16"]
)
@pytest.mark.parametrize("name", ["pc-server", "pc-nvidia-no-driver"])
def test_engine_of_a_gpu_is_not_promised_where_none_answers(name: str, engine: str, tmp_path: Path) -> None:
    found = looked_at(recorded(name, tmp_path), engine)
    assert {"gpu", engine.split(":", maxsplit=1)[0]} <= set(graded(found, "fix"))


def test_lost_driver_is_named_and_the_binding_is_not_blamed(tmp_path: Path) -> None:
    found = looked_at(recorded("pc-nvidia-no-driver", tmp_path), "tensorrt:fp16")
    assert found["gpu"].command == "sudo ubuntu-drivers install && sudo reboot"
    assert "libcuda.so.1" in found["tensorrt"].text
    assert found["tensorrt"].command == ""


@pytest.mark.parametrize(
    "engine",
    [
        "tensorrt:fp16",
        "tensorrt_rtx:fp16",
        "onnxruntime:f32:cuda",
        "onnxruntime:int8:tensorrt",
        "onnxruntime:f32",
    ],
)
def test_pc_with_a_gpu_runs_every_engine_of_it(engine: str, tmp_path: Path) -> None:
    found = looked_at(recorded("pc-nvidia", tmp_path), engine)
    assert graded(found, "fix") == []
    assert "5.9 of 6.4 GB free, compute capability 8.6" in found["gpu"].text


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            '{"version": "11.4.0.106"}',
            "11.4.0.106; the station asks .* onnxruntime runs TensorRT 10",
        ),
        ('{"refused": "No module named \'tensorrt\'"}', "not installed; the station asks for onnxruntime:"),
    ],
    ids=["another", "none"],
)
def test_onnxruntime_is_given_the_tensorrt_that_it_runs(said: str, why: str, tmp_path: Path) -> None:
    pc = recorded("pc-nvidia", tmp_path)
    probe = Probe(pc.root, lambda command: Ran(0, said) if command[-1] == "tensorrt" else pc.run(command))
    found = looked_at(probe, "onnxruntime:fp16:tensorrt")["tensorrt"]
    assert (found.grade, found.command) == ("fix", "pip install 'tensorrt==10.*'")
    assert re.match(why, found.text)
    assert graded(looked_at(probe, "onnxruntime:fp16:cuda"), "fix") == []


def test_cuda_provider_of_a_jetson_is_not_promised_from_the_package_index(tmp_path: Path) -> None:
    found = looked_at(recorded("jetpack-6.2.1-agx-orin", tmp_path), "onnxruntime:f32:cuda")
    assert (found["onnxruntime"].grade, found["onnxruntime"].command) == ("fix", "")
    pc = looked_at(recorded("pc-server", tmp_path / "pc"), "onnxruntime:f32:cuda")
    assert pc["onnxruntime"].command == "pip uninstall -y onnxruntime && pip install onnxruntime-gpu"
    assert "set backend.device to cpu" in pc["gpu"].text


def test_jetson_is_not_sent_for_a_package_that_is_for_pcs(tmp_path: Path) -> None:
    """The extra's marker lets pip succeed there, and install nothing."""
    board = looked_at(recorded("jetpack-6.2.1-agx-orin", tmp_path), "tensorrt_rtx:fp16")["tensorrt_rtx"]
    assert (board.grade, board.command) == ("fix", "")
    assert board.text.endswith("the station asks for tensorrt_rtx:fp16: set backend.kind to tensorrt")
    pc = looked_at(recorded("pc-server", tmp_path / "pc"), "tensorrt_rtx:fp16")["tensorrt_rtx"]
    assert pc.command == "pip install 'taktsight[tensorrt-rtx]'"


def test_jetson_gets_openvino_from_the_package_index(tmp_path: Path) -> None:
    found = looked_at(recorded("jetpack-6.2.1-agx-orin", tmp_path), "openvino:f32")["openvino"]
    assert found.command == "pip install 'taktsight[openvino]'"


def test_rtx_does_not_run_on_hopper(tmp_path: Path) -> None:
    changes = {"nvidia_smi": "NVIDIA H100 PCIe, 580.95.05, 9.0, 81559, 4\n"}
    probe = recorded("pc-nvidia", tmp_path, **changes)
    assert graded(looked_at(probe, "tensorrt_rtx:fp16"), "fix") == ["gpu"]
    assert graded(looked_at(probe, "tensorrt:fp16"), "fix") == []


def test_driver_that_hangs_does_not_hang_the_check(tmp_path: Path) -> None:
    probe = recorded("pc-nvidia", tmp_path)
    hung = Probe(
        probe.root, lambda command: Ran(HUNG, "") if command[0] == "nvidia-smi" else probe.run(command)
    )
    assert looked_at(hung, "tensorrt:fp16")["gpu"].text == "nvidia-smi does not answer: the driver hangs"


@pytest.mark.timeout(30)
def test_command_that_cannot_be_killed_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As nvidia-smi in a driver that hangs: no signal reaches it there."""
    monkeypatch.setattr(probe_module, "LONGEST_S", 0.3)
    left: list[subprocess.Popen[bytes]] = []

    def in_vain(process: subprocess.Popen[bytes]) -> None:
        left.append(process)

    monkeypatch.setattr(subprocess.Popen, "kill", in_vain)
    began_s = time.monotonic()
    assert this_machine().run(["sleep", "8"]).status == HUNG
    assert time.monotonic() - began_s < 4
    (process,) = left
    process.terminate()
    process.wait()


def test_driver_that_hangs_does_not_hang_the_check_of_a_station(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pc = recorded("pc-nvidia", tmp_path / "pc")
    hung = Probe(pc.root, lambda command: Ran(HUNG, "") if command[0] == "nvidia-smi" else pc.run(command))
    monkeypatch.setattr(check_module, "this_machine", lambda: hung)
    monkeypatch.setattr(pace, "measure_cycles_ms", lambda station, today: pytest.fail("it would wait"))
    station = load_station(place.write(backend={"kind": "onnxruntime", "device": "cuda"}))
    found = {finding.subject: finding for finding in check(station, date(2026, 7, 1))}
    assert found["gpu"].text == "nvidia-smi does not answer: the driver hangs"
    assert found["vision"].text == "not tried, nor the speed: mend the gpu first"


def test_binding_that_crashes_is_a_finding(tmp_path: Path) -> None:
    probe = recorded("pc-nvidia", tmp_path)

    def crash(command: Sequence[str]) -> Ran:
        return Ran(-11, "") if command[-1] == "tensorrt" else probe.run(command)

    found = looked_at(Probe(probe.root, crash), "tensorrt:fp16")
    assert found["tensorrt"].grade == "fix"
    assert "ended with status -11" in found["tensorrt"].text


def test_machine_that_says_nothing_is_never_called_fit(tmp_path: Path) -> None:
    found = {finding.subject: finding for finding in examine(Probe(tmp_path, unanswered))}
    assert {"processor", "memory", "schedule", "onnxruntime"} <= set(graded(found, "note"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("engine", [None, "tensorrt:fp16", "openvino:int8", "onnxruntime:f32"])
def test_what_is_wrong_comes_with_what_to_do(name: str, engine: str | None, tmp_path: Path) -> None:
    for finding in looked_at(recorded(name, tmp_path), engine).values():
        if finding.grade == "fix":
            says = (
                re.search(r"\b(set backend|flash|install)", finding.text) or finding.subject == "tensorrt"
            )
            assert finding.command or says, finding
        assert_typable(finding)


def assert_typable(finding: Finding) -> None:
    """A shell reads the command; nothing of it is run."""
    if finding.command:
        checked = subprocess.run(["bash", "-n", "-c", finding.command], capture_output=True, check=False)
        assert checked.returncode == 0, finding.command
        assert shlex.split(finding.command, comments=True)


def test_probe_of_this_machine_tells_absent_from_failed() -> None:
    probe = this_machine()
    assert probe.run(["no-such-command-of-ours"]).status == ABSENT
    assert probe.run(["false"]).status == 1
    assert probe.output("python", "-c", "print(1 + 1)") == "2\n"
    assert probe.text("/no/such/file") == ""
    assert "/proc/self" in probe.matching("/proc/self")


def test_check_without_a_station_shows_this_machine() -> None:
    shown = taktsight("check")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    subjects = [line.split()[1] for line in shown.stdout.splitlines() if not line.startswith(" ")]
    assert {"board", "processor", "memory", "onnxruntime", "tensorrt", "schedule"} <= set(subjects)
    assert f"{os.cpu_count()} × " in shown.stdout


def test_check_of_the_machine_alone_names_what_the_station_asks_for(place: Place) -> None:
    shown = taktsight("check", place.write(), "--machine")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "runs onnxruntime:f32, as the station asks" in shown.stdout
    assert "cameras deliver" not in shown.stdout


def test_check_of_a_station_that_asks_for_an_engine_that_is_not_here_fails(place: Place) -> None:
    station = place.write(backend={"kind": "onnxruntime", "device": "cuda"})
    shown = taktsight("check", station, "--machine")
    if "gpu          NVIDIA" in shown.stdout:
        pytest.skip("this machine has an NVIDIA GPU")
    assert shown.returncode == 1
    assert re.search(r"(?m)^fix +gpu ", shown.stdout)


def test_check_refuses_arguments_that_do_not_exist(place: Place) -> None:
    assert taktsight("check", "--board").returncode == 2
    assert taktsight("check", place.folder / "no.yaml", "--machine").returncode == 2
