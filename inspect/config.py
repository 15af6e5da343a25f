"""The station: the hardware on the line and where its records go. Strict YAML; all mistakes at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from taktsight.inspect.alarm_settings import AlarmSettings, MetricsSettings
from taktsight.inspect.belt_settings import EncoderSettings
from taktsight.inspect.cameras.settings import CameraSettings, misused_lines, placed_camera, too_late
from taktsight.inspect.codes.settings import CodeSettings
from taktsight.inspect.gates.settings import DryRunSettings, GateSettings
from taktsight.inspect.golden_settings import GoldenCheck
from taktsight.inspect.plc.settings import PlcSettings
from taktsight.inspect.quality_settings import QualitySettings
from taktsight.inspect.station_fit import field_contradictions
from taktsight.inspect.triggers.settings import TriggerSettings
from taktsight.records import Outcome
from taktsight.strict_model import Model, StrictModel

Rollback = Annotated[int, Field(ge=1)] | Literal["any"] | None
"""The older version that may run."""


TAKT_PER_CYCLE = 1.5
MIN_TAKT_MS = 10.0


def fitting_takt_ms(p99_ms: float) -> float:
    """A takt that leaves half as much again as an inspection takes at p99, ms."""
    return max(MIN_TAKT_MS, round(TAKT_PER_CYCLE * p99_ms, 1))


class OnnxRuntime(StrictModel):
    """The reference engine."""

    kind: Literal["onnxruntime"]
    precision: Literal["f32", "fp16", "int8"] = "f32"
    """It is in the bundle's model; fp16 is for cuda and tensorrt, int8 for the cpu and tensorrt."""
    device: Literal["cpu", "cuda", "tensorrt"] = "cpu"
    """What is asked for runs, or nothing runs. cuda and tensorrt are its providers for an NVIDIA GPU."""
    threads: int | None = Field(default=None, ge=1, le=256)
    """Threads for one inference on the cpu. Absent: one per core this process may use."""
    batch: int = Field(default=1, ge=1, le=64)
    """On a GPU, tiles of one run: as many as the tiles of a view; on the cpu a run takes them all."""
    cuda_graph: bool = True
    """On a GPU, launch a run with one call; the answers are the same."""
    workspace_mb: int = Field(default=1024, ge=16, le=65_536)
    """On tensorrt, memory of the GPU that one layer may use, MB."""
    cache: Path = Path("engines")
    """On tensorrt, folder of the built engines; those of kind tensorrt are the same."""

    @model_validator(mode="after")
    def _contradictions(self) -> OnnxRuntime:
        if (self.precision, self.device) == ("fp16", "cpu"):
            raise ValueError("fp16 runs on device cuda or tensorrt; the cpu computes in f32 or int8")
        if (self.precision, self.device) == ("int8", "cuda"):
            raise ValueError("CUDA computes int8 layers in float32 here; use fp16, or device: tensorrt")
        return self


class OpenVino(StrictModel):
    """Intel's engine, two to three times as fast on a processor with short arithmetic."""

    kind: Literal["openvino"]
    precision: Literal["f32", "bf16", "int8"] = "f32"
    """Always said to the engine: left alone it takes bf16 where it likes, and scores drift by up to 0.9."""
    device: Literal["cpu"] = "cpu"
    threads: int | None = Field(default=None, ge=1, le=256)
    """Threads for one inference. Absent: one per core this process may use."""


class TensorRt(StrictModel):
    """NVIDIA's engine, built from the bundle on the GPU that runs it, and kept on the disk."""

    kind: Literal["tensorrt", "tensorrt_rtx"]
    """tensorrt: Jetson and data centre; tensorrt_rtx: GeForce RTX and RTX PRO, engines built anywhere."""
    precision: Literal["f32", "fp16", "int8"] = "f32"
    """It is in the bundle's model: nothing is rounded that the model does not round."""
    device: Literal["gpu", "dla"] = "gpu"
    """dla: a Jetson's deep-learning accelerator, the GPU doing what that cannot."""
    dla_core: int = Field(default=0, ge=0, le=7)
    batch: int = Field(default=1, ge=1, le=64)
    """Tiles of one run: as many as the tiles of a view; more come in further runs, fewer are filled up."""
    workspace_mb: int = Field(default=1024, ge=16, le=65_536)
    """Memory of the GPU that one layer may use, MB; kernels that need more are not chosen."""
    cuda_graph: bool = True
    """Launch a run with one call, where the engine allows it; the answers are the same."""
    cache: Path = Path("engines")
    """Folder of the built engines. Nobody but the line's user should be able to write it."""
    threads: Literal[1] = 1
    """The processor only hands over."""

    @model_validator(mode="after")
    def _contradictions(self) -> TensorRt:
        if self.device == "dla" and self.kind == "tensorrt_rtx":
            raise ValueError("tensorrt_rtx runs on no DLA; kind: tensorrt does")
        if self.device == "dla" and self.precision == "f32":
            raise ValueError("a DLA computes in fp16 or int8, not in f32")
        return self


Engine = Annotated[OnnxRuntime | OpenVino | TensorRt, Field(discriminator="kind")]


def built_engine(engine: Engine) -> TensorRt | None:
    """How TensorRT builds what the engine runs; None where nothing is built."""
    if isinstance(engine, OnnxRuntime) and engine.device == "tensorrt":
        return TensorRt(
            kind="tensorrt",
            precision=engine.precision,
            batch=engine.batch,
            workspace_mb=engine.workspace_mb,
            cuda_graph=engine.cuda_graph,
            cache=engine.cache,
        )
    return engine if isinstance(engine, TensorRt) else None


MAX_AGE_DAYS = 36_500
"""A calendar ends at the year 1: no date lies a million days before today."""


class Images(StrictModel):
    """Which frames are kept, and how much room they get."""

    keep: tuple[Outcome, ...] = (Outcome.REJECT, Outcome.REVIEW, Outcome.UNINSPECTED)
    """Every part with one of these outcomes is kept."""
    pass_every: int = Field(default=100, ge=0)
    """Of the passed parts every n-th is kept, for audits; 0 keeps none."""
    max_mb: float = Field(default=10_000, gt=0, le=1e9)
    """Room for images, MB; beyond it the oldest passes go first."""
    max_age_days: float = Field(default=90, gt=0, le=MAX_AGE_DAYS)
    """Images older than this are removed."""
    max_age_days_of: dict[Outcome, Annotated[float, Field(gt=0, le=MAX_AGE_DAYS)]] = Field(
        default_factory=dict
    )
    """An outcome that is named here has an age of its own: {PASS: 7, REJECT: 365}."""
    reserve_mb: float = Field(default=500, ge=0, le=1e9)
    """Room on the disk that images never touch, MB: the ledger needs it."""
    core_share: float = Field(default=0.5, gt=0, le=1)
    """Share of a core that storing images may take, beside what else goes on: even at idle priority it
    takes caches and memory from the inspection. What it cannot store meanwhile is shed."""


class Records(StrictModel):
    """Where the ledger and the images go."""

    folder: Path
    mode: Literal["fast", "strict"] = "fast"
    """fast: the gate acts, then the ledger is written. strict: the verdict is in the ledger, on the disk,
    before the gate acts; one that is not there by its deadline becomes UNINSPECTED."""
    images: Images = Images()


class Station(StrictModel):
    """What stands on the line."""

    name: str = Field(min_length=1)
    bundle: Path
    """The model as shipped."""
    recipe: Path | None = None
    """What "good" means. Absent: the limits on the bundle's card, on the whole frame."""
    allowed_keys: tuple[Path, ...] = ()
    """Files of PEM public keys, one or several in each; with any given, one of them must have signed."""
    rollback_to: Rollback = None
    """The one older version of the bundle that may run although a newer one ran here; 'any' for each."""
    cameras: tuple[CameraSettings, ...] = Field(min_length=1)
    max_skew_ms: float | None = Field(default=None, gt=0)
    """Views of one part that were exposed further apart, ms, make it UNINSPECTED. Absent: nobody looks."""
    code: CodeSettings | None = None
    """A code on the part that is read as its serial. Absent: none is."""
    plc: PlcSettings | None = None
    """The PLC that trigger, gate or encoder speak to."""
    encoder: EncoderSettings | None = None
    """What counts the way of the belt."""
    trigger: TriggerSettings
    gate: GateSettings
    backend: Engine = OnnxRuntime(kind="onnxruntime")
    deadline_ms: float = Field(gt=0, le=600_000)
    """Trigger → last moment the gate can act, ms."""
    gate_margin_ms: float = Field(default=2.0, ge=0)
    """What the gate itself needs, ms: the verdict leaves so much before the deadline."""
    records: Records
    golden: GoldenCheck | None = None
    """Real parts with a known verdict that the line must judge right, or it holds. Absent: never."""
    alarms: AlarmSettings = AlarmSettings()
    """When a condition of the line is an alarm."""
    metrics: MetricsSettings | None = None
    """Where Prometheus finds the meters. Absent: nowhere."""
    quality: QualitySettings | None = None
    """What is watched beside the line, out of its ledger. Absent: nothing."""
    max_frame_age_ms: float = Field(default=100, gt=0, le=600_000)
    """A frame that was exposed longer before its trigger shows an earlier part, ms."""
    repeats_allowed: tuple[str, ...] = ()
    """Cameras that may show the same picture again, and pictures of any size: those of a simulation. Of a
    sensor a frame that repeats is a fault; a folder may always repeat."""
    ring_frames: int = Field(default=32, ge=4, le=1024)
    """Frames that wait in shared memory for the recorder."""

    @model_validator(mode="after")
    def _contradictions(self) -> Station:
        if self.gate_margin_ms >= self.deadline_ms:
            raise ValueError(
                f"gate_margin_ms {self.gate_margin_ms} leaves nothing of deadline_ms {self.deadline_ms}"
            )
        names = [camera.name for camera in self.cameras]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"camera {', '.join(twice)} stands twice")
        if self.code is not None and self.code.camera not in names:
            raise ValueError(f"code.camera {self.code.camera!r} is none of the cameras {', '.join(names)}")
        if self.takt_ms and (late := too_late(self.cameras, self.takt_ms)):
            raise ValueError(
                f"camera {', '.join(late)}: expose_within_ms is not below takt_ms {self.takt_ms:g}: "
                "a frame could show the next part"
            )
        strangers = sorted(set(self.repeats_allowed) - set(names))
        if strangers:
            raise ValueError(f"repeats_allowed: there is no camera {', '.join(strangers)}")
        wrong = field_contradictions(
            self.trigger, self.gate, self.plc, self.encoder, self.deadline_ms, frozenset(names)
        )
        leader = self.trigger.camera if self.trigger.kind == "camera" else None
        if wrong := wrong + misused_lines(self.cameras, leader):
            raise ValueError("; ".join(wrong))
        return self

    @property
    def takt_ms(self) -> float | None:
        """Time between two parts, ms; None where the parts themselves say when they come."""
        return self.trigger.takt_ms if self.trigger.kind == "timer" else None

    @property
    def answer_within_ns(self) -> int:
        """Trigger → last moment a verdict may leave, ns."""
        return round((self.deadline_ms - self.gate_margin_ms) * 1e6)


def load_station(path: Path) -> Station:
    """The station in a YAML file; relative paths are relative to the file.

    Raises:
        ConfigError: Listing every mistake in the file.
    """
    from taktsight.strict_yaml import read_yaml  # vision gets its station by message, and no yaml

    station = read_yaml(path, Station)
    base = path.parent
    cameras = tuple(placed_camera(camera, base) for camera in station.cameras)
    return with_values(
        station,
        backend=placed(station.backend, base),
        bundle=base / station.bundle,
        recipe=base / station.recipe if station.recipe else None,
        allowed_keys=tuple(base / key for key in station.allowed_keys),
        cameras=cameras,
        gate=_placed_gate(station.gate, base),
        quality=_placed_quality(station.quality, base),
        records=with_values(station.records, folder=base / station.records.folder),
    )


def placed(engine: Engine, base: Path) -> Engine:
    """The engine with its folder, if it has one, relative to a base."""
    built = built_engine(engine)
    return engine if built is None else with_values(engine, cache=base / built.cache)


def _placed_gate(gate: GateSettings, base: Path) -> GateSettings:
    if isinstance(gate, DryRunSettings) and gate.file is not None:
        return with_values(gate, file=base / gate.file)
    return gate


def _placed_quality(quality: QualitySettings | None, base: Path) -> QualitySettings | None:
    if quality is None:
        return None
    drift = base / quality.drift if quality.drift else None
    return with_values(quality, drift=drift, spc=tuple(base / limits for limits in quality.spc))


def with_values(model: Model, **values: Any) -> Model:
    """The model with some fields replaced."""
    return model.model_copy(update=values)
