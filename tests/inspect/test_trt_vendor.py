"""TensorRT 10, 11 and RTX: where they differ, and that nothing else does."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from taktsight.errors import BackendError
from taktsight.inspect.backends.trt.build import build_engine
from taktsight.inspect.backends.trt.monitor import Phases
from taktsight.inspect.backends.trt.ready import ready_engine
from taktsight.inspect.backends.trt.target import Target, target_here, target_named
from taktsight.inspect.backends.trt.timing import timing_file
from taktsight.inspect.backends.trt.vendor import MIN_TENSORRT, TRAITS, open_vendor, vendor_of
from taktsight.inspect.backends.trt.vendor_log import KEPT, last_words, listen
from taktsight.inspect.config import TensorRt
from taktsight.inspect.machine.jetpack import JETPACKS, version_of

from .cuda_stand_in import StandIn
from .spots import spot_model
from .tensorrt_stand_in import ENUMS, VERSIONS, Config, Context, Engine, Network, TensorRtStandIn

ORIN = Target("Orin", "8.7", "540.4.0 CUDA 12.6")
ADA = Target("any", "8.9", "any")


def stand_in(version: str, **options: Any) -> TensorRtStandIn:
    """A module that builds; nothing of it runs, so it needs no driver."""
    driver: StandIn = SimpleNamespace()  # type: ignore[assignment]
    return TensorRtStandIn(version, driver, **options)


def built(version: str, cache: Path, **changes: Any) -> list[tuple[Any, ...]]:
    """The calls that a build makes."""
    made = stand_in(version, dla_cores=2)
    config = TensorRt.model_validate({"kind": VERSIONS[version][0], "cache": cache} | changes)
    target = ADA if version == "rtx" else ORIN
    build_engine(made.vendor, target, config, spot_model(), lambda phase, share: None)
    return [call for call in made.calls if call[0] != "progress_monitor"]


def test_versions_10_and_11_differ_only_in_how_a_network_is_asked_to_be_typed(tmp_path: Path) -> None:
    ten, eleven = (built(version, tmp_path / version) for version in ("10", "11"))
    assert [pair for pair in zip(ten, eleven, strict=True) if pair[0] != pair[1]] == [
        (("create_network", 1 << 1), ("create_network", 0))
    ]


def test_rtx_names_its_gpu_asks_for_graphs_and_times_nothing(tmp_path: Path) -> None:
    ten, rtx = (built(version, tmp_path / version) for version in ("10", "rtx"))
    assert [call for call in rtx if call not in ten] == [
        ("set_flag", "REQUIRE_USER_ALLOCATION"),
        ("num_compute_capabilities", 1),
        ("set_compute_capability", "SM89", 0),
    ]
    assert [call for call in ten if call not in rtx] == [("create_timing_cache", b"")]


@pytest.mark.parametrize("version", VERSIONS)
def test_float32_is_never_rounded_to_tf32_and_no_flag_changes_precision(
    version: str, tmp_path: Path
) -> None:
    calls = built(version, tmp_path)
    assert ("clear_flag", "TF32") in calls
    assert not {call[1] for call in calls if call[0] == "set_flag"} & {"FP16", "INT8", "TF32"}


def test_second_build_gets_the_timings_of_the_first(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    timings = [
        call[1] for _ in range(2) for call in built("10", tmp_path) if call[0] == "create_timing_cache"
    ]
    assert timings == [b"", b"timed"]
    file = timing_file(stand_in("10").vendor, ORIN, tmp_path)
    file.write_bytes(file.read_bytes()[:-1])
    assert ("create_timing_cache", b"") in built("10", tmp_path)
    assert f"timings {file} are damaged: measured anew" in caplog.text


def put_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)


def put_a_dangling_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("gone")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda file: file.chmod(0o666), "may be written by others"),
        (put_a_pipe, "is no file"),
        (put_a_dangling_link, "cannot be read (No such file or directory)"),
    ],
    ids=["writable", "pipe", "dangling"],
)
def test_timings_that_others_could_have_written_are_not_used(
    spoil: Callable[[Path], Any], why: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    built("10", tmp_path)
    file = timing_file(stand_in("10").vendor, ORIN, tmp_path)
    spoil(file)
    assert ("create_timing_cache", b"") in built("10", tmp_path)
    assert f"timings {file}: {why}: measured anew" in caplog.text
    assert file.is_file()
    assert not file.is_symlink()


def test_folder_that_cannot_hold_the_engine_is_found_before_it_is_built(tmp_path: Path) -> None:
    (tmp_path / "engines").write_text("in the way")
    made = stand_in("10")
    config = TensorRt(kind="tensorrt", cache=tmp_path / "engines")
    with pytest.raises(BackendError, match=r"engines cannot be kept in .*set backend\.cache"):
        ready_engine(made.vendor, ORIN, config, spot_model())
    assert made.calls == []


@pytest.mark.parametrize("error", [ValueError("no such style"), KeyboardInterrupt()])
def test_whatever_stops_the_progress_is_raised_behind_the_vendors_code(
    error: BaseException, tmp_path: Path
) -> None:
    """The vendor would print it and go on."""
    made, told = stand_in("10"), []
    build = made.vendor.module.Builder

    def tell(phase: str, share: float) -> None:
        told.append(phase)
        raise error

    def builder(logger: Any) -> Any:
        """As the vendor does it: drops what is raised, and builds nothing once the monitor says no."""
        opened = build(logger)

        def build_network(network: Any, config: Any) -> None:
            monitor = config.progress_monitor
            with contextlib.suppress(ValueError):
                monitor.phase_start("Building", None, 2)
            assert not monitor.step_complete("Building", 0)
            monitor.phase_finish("Building")

        opened.build_serialized_network = build_network
        return opened

    made.vendor.module.Builder = builder
    config = TensorRt(kind="tensorrt", cache=tmp_path)
    with pytest.raises(type(error)) as raised:
        build_engine(made.vendor, ORIN, config, spot_model(), tell)
    assert raised.value is error
    assert len(told) == 1
    assert list(tmp_path.iterdir()) == []


def test_vendors_words_go_into_the_log_at_their_level_and_few_are_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = stand_in("10")
    listener, severity = listen(made.vendor), made.vendor.module.ILogger.Severity
    for number in range(1000):
        listener.log(severity.ERROR, f"illegal address {number}\n  in a kernel")
        listener.log(severity.WARNING, f"slow {number}")
        listener.log(severity.INFO, "chatter")
    assert len(listener.errors) == len(listener.warnings) == KEPT
    assert last_words(listener).endswith("illegal address 999 in a kernel")
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert said[:2] == [
        ("ERROR", "TensorRT 10.3.0: illegal address 0 in a kernel"),
        ("WARNING", "TensorRT 10.3.0: slow 0"),
    ]
    assert len(said) == 2000


LACKS_GPU = (
    "[checkMacros.cpp::catchCudaError::250] Error Code 1: Cuda Runtime (In catchCudaError at x.cpp:250 "
    "(cudaError 35: CUDA driver version is insufficient for CUDA runtime version))"
)
ILLEGAL = (
    "[checkMacros.cpp::catchCudaError::250] Error Code 1: Cuda Runtime (In catchCudaError at x.cpp:250 "
    "(cudaError 700: an illegal memory access was encountered))"
)


def test_that_there_is_no_gpu_is_left_out_where_more_is_said_and_a_gpus_error_never(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = stand_in("10")
    listener, error = listen(made.vendor), made.vendor.module.ILogger.Severity.ERROR
    listener.log(error, LACKS_GPU)
    assert caplog.text == ""
    assert "driver version is insufficient" in last_words(listener)
    listener.log(error, f"node 3 is wrong\n{LACKS_GPU}")
    assert last_words(listener) == "node 3 is wrong"
    listener.log(error, ILLEGAL)
    assert "an illegal memory access" in last_words(listener)
    assert "an illegal memory access" in caplog.text


def test_all_warnings_of_the_parser_are_counted(tmp_path: Path) -> None:
    made = stand_in("10")
    parser = made.vendor.module.OnnxParser

    def noisy(network: Any, logger: Any) -> Any:
        for number in range(2 * KEPT):
            words = f"Defaulting to INT8 instead, tensor {number}"
            logger.log(made.vendor.module.ILogger.Severity.WARNING, words)
            logger.log(made.vendor.module.ILogger.Severity.WARNING, "something else")
        return parser(network, logger)

    made.vendor.module.OnnxParser = noisy
    config = TensorRt(kind="tensorrt", cache=tmp_path)
    with pytest.raises(BackendError, match=f"would compute {2 * KEPT} quantised tensors"):
        build_engine(made.vendor, ORIN, config, spot_model(), lambda phase, share: None)


def test_dla_is_used_where_it_is_and_refused_where_it_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    from taktsight.inspect.backends.trt import parse

    monkeypatch.setattr(parse, "precision_of", lambda vendor, network: "fp16")
    calls = built("11", tmp_path, device="dla", dla_core=1, precision="fp16")
    assert [call for call in calls if call[0] == "DLA_core"] == [("DLA_core", 1)]
    assert "DLA core 1 runs" in caplog.text
    with pytest.raises(BackendError, match=r"DLA core 2 was asked for and TensorRT 11\.4\.1 finds 2"):
        built("11", tmp_path, device="dla", dla_core=2, precision="fp16")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"kind": "tensorrt_rtx", "device": "dla", "precision": "fp16"}, "tensorrt_rtx runs on no DLA"),
        ({"kind": "tensorrt", "device": "dla"}, "a DLA computes in fp16 or int8"),
        ({"kind": "tensorrt", "precision": "fp8"}, "precision"),
        ({"kind": "tensorrt", "workspace_gb": 1}, "workspace_gb"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        TensorRt.model_validate(wrong)


def test_absent_module_names_the_extra() -> None:
    if "tensorrt" in sys.modules or importlib.util.find_spec("tensorrt"):
        pytest.skip("tensorrt is installed here")
    with pytest.raises(BackendError, match=r"backend tensorrt is not installed .*taktsight\[tensorrt\]"):
        open_vendor("tensorrt")


def test_module_that_does_not_load_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    with pytest.raises(BackendError, match=r"pip install 'taktsight\[tensorrt-rtx\]'"):
        open_vendor("tensorrt_rtx")


@pytest.mark.parametrize("version", ["8.6.1", "10.0.1", "10.2.0.post1", "12.0.0", "unknown"])
def test_version_that_nobody_tried_is_refused(version: str) -> None:
    wanted = rf"TensorRT {version} is installed, and 10\.x, 11\.x from 10\.3 is wanted"
    with pytest.raises(BackendError, match=wanted):
        vendor_of("tensorrt", SimpleNamespace(__version__=version))


def test_oldest_tensorrt_is_the_same_for_engine_check_install_and_page() -> None:
    oldest = ".".join(map(str, MIN_TENSORRT))
    assert vendor_of("tensorrt", SimpleNamespace(__version__=f"{oldest}.0")).traits.has_dla
    root = Path(__file__).parents[2]
    assert f'tensorrt = ["tensorrt>={oldest}"]' in (root / "pyproject.toml").read_text(encoding="utf-8")
    assert f"TensorRT {oldest}." in (root / "docs" / "jetson.md").read_text(encoding="utf-8")
    runs = [row.tensorrt for row in JETPACKS if row.runs_tensorrt]
    assert min(map(version_of, runs))[:2] == MIN_TENSORRT


def test_engine_of_tensorrt_depends_on_the_gpu_and_the_driver(tmp_path: Path) -> None:
    gpu: Any = SimpleNamespace(name="Orin", compute_capability="8.7", cuda_version="12.6")
    said = tmp_path / "version"
    said.write_text("NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build\n")
    assert target_here(stand_in("10").vendor, gpu, said) == ORIN
    assert target_here(stand_in("10").vendor, gpu, tmp_path / "none").driver == "unknown CUDA 12.6"
    assert target_here(stand_in("rtx").vendor, gpu, said) == Target("any", "8.7", "any")


def test_only_rtx_builds_for_a_gpu_that_is_not_here() -> None:
    assert target_named(stand_in("rtx").vendor, "12.0").compute_capability == "12.0"
    with pytest.raises(BackendError, match="builds on the GPU that will run the engine"):
        target_named(stand_in("10").vendor, "8.9")
    with pytest.raises(BackendError, match=r"compute capability 'sm_89': a figure such as 8\.9"):
        target_named(stand_in("rtx").vendor, "sm_89")


def test_progress_counts_phases_within_phases_and_never_falls() -> None:
    phases, shares = Phases(), []
    phases.begin("building", 2)
    phases.step("building", 0)
    shares.append(phases.share)
    phases.begin("optimising", 4)
    for number in range(4):
        phases.step("optimising", number)
        shares.append(phases.share)
    phases.end("optimising")
    shares.append(phases.share)
    phases.step("nobody began this", 3)
    phases.step("building", 1)
    shares.append(phases.share)
    assert shares == [0.5, 0.625, 0.75, 0.875, 1.0, 1.0, 1.0]
    assert phases.innermost == "building"


def test_progress_is_whole_when_the_outermost_phase_ends() -> None:
    phases = Phases()
    phases.begin("building", 6)
    phases.step("building", 4)  # the vendor does not report its last step
    assert phases.share < 1.0
    phases.end("building")
    assert (phases.share, phases.innermost) == (1.0, "")


def test_stand_in_has_no_name_that_the_real_module_lacks() -> None:
    real = pytest.importorskip("tensorrt_rtx")
    module = stand_in("rtx").vendor.module
    assert [name for name in vars(module) if not hasattr(real, name)] == []
    for enum in (*ENUMS, module.BuilderFlag, module.NetworkDefinitionCreationFlag):
        lacking = set(enum.__members__) - set(getattr(real, enum.__name__).__members__)
        assert lacking == set(), enum.__name__
    classes = {
        Network: real.INetworkDefinition,
        Config: real.IBuilderConfig,
        Engine: real.ICudaEngine,
        Context: real.IExecutionContext,
    }
    for ours, theirs in classes.items():
        named = {name for name in vars(ours) if not name.startswith("_")} - {"fill", "profile", "cache"}
        assert {name for name in named if not hasattr(theirs, name)} == set(), theirs.__name__
    builder = vars(module.Builder(None))
    assert [name for name in builder if not hasattr(real.Builder, name)] == []


def test_installed_rtx_is_one_that_the_table_knows() -> None:
    pytest.importorskip("tensorrt_rtx")
    vendor = open_vendor("tensorrt_rtx")
    flags = vendor.module.BuilderFlag.__members__
    assert vendor.traits == TRAITS["tensorrt_rtx", 1]
    assert vendor.traits.graph_flag in flags
    assert "FP16" not in flags
