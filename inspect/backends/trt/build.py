"""From a bundle's ONNX to an engine. Precision is in the ONNX: no flag here changes a number."""

from __future__ import annotations

import logging
from typing import Any

from taktsight.errors import BackendError
from taktsight.inspect.backends.trt.monitor import Tell, watch
from taktsight.inspect.backends.trt.parse import Parsed, parse
from taktsight.inspect.backends.trt.target import Target, vendors_name
from taktsight.inspect.backends.trt.timing import load_timings, store_timings
from taktsight.inspect.backends.trt.vendor import Vendor
from taktsight.inspect.backends.trt.vendor_log import last_words, listen
from taktsight.inspect.config import TensorRt

log = logging.getLogger(__name__)


def build_engine(vendor: Vendor, target: Target, config: TensorRt, model: bytes, tell: Tell) -> bytes:
    """The serialised engine for a GPU.

    Args:
        vendor: whose engine.
        target: the GPU; another one than this machine's where the vendor's engines are portable.
        config: precision, batch, workspace, DLA.
        model: ONNX of that precision.
        tell: told how far it is.

    Raises:
        BackendError: If the model is refused, a DLA is asked for and absent, or the build fails.
        BaseException: Whatever ``tell`` raised, such as Ctrl-C; the build was ended first.
    """
    listener = listen(vendor, keep=None)  # what the parser warns of is counted
    parsed = parse(vendor, model, listener, precision=config.precision)
    settings = configure(vendor, target, config, parsed)
    load_timings(vendor, target, config.cache, settings)
    monitor = watch(vendor, tell)
    settings.progress_monitor = monitor
    built = parsed.builder.build_serialized_network(parsed.network, settings)
    if monitor.failed is not None:
        raise monitor.failed
    if built is None:
        why = last_words(listener)
        raise BackendError(f"{vendor} cannot build an engine for {target}: {why}; {_advice(why, config)}")
    store_timings(vendor, target, config.cache, settings)
    return bytes(memoryview(built))


def _advice(why: str, config: TensorRt) -> str:
    if "memory" in why.lower():
        return (
            f"lower backend.workspace_mb ({config.workspace_mb}) or backend.batch ({config.batch}), or end "
            "what else uses the GPU"
        )
    return f"{config.precision} may be what this GPU lacks: try another precision, or another engine"


def configure(vendor: Vendor, target: Target, config: TensorRt, parsed: Parsed) -> Any:
    """The builder's settings.

    Raises:
        BackendError: If the target or the DLA is not there.
    """
    module = vendor.module
    settings = parsed.builder.create_builder_config()
    settings.set_memory_pool_limit(module.MemoryPoolType.WORKSPACE, config.workspace_mb << 20)
    # On unless it is told off: float32 would be rounded to ten bits on every GPU since Ampere.
    settings.clear_flag(module.BuilderFlag.TF32)
    if vendor.traits.graph_flag and config.cuda_graph:
        settings.set_flag(getattr(module.BuilderFlag, vendor.traits.graph_flag))
    if vendor.traits.portable:
        settings.num_compute_capabilities = 1
        settings.set_compute_capability(vendors_name(vendor, target), 0)
    settings.add_optimization_profile(_profile(config.batch, parsed))
    if config.device == "dla":
        _use_dla(vendor, config.dla_core, parsed, settings)
    return settings


def _profile(batch: int, parsed: Parsed) -> Any:
    """One shape: every tile is computed by the same kernels, however many a part has."""
    images = parsed.network.get_input(0)
    shape = (batch, *tuple(images.shape)[1:])
    if min(shape) < 1:
        raise BackendError(
            f"the model's input is {tuple(images.shape)}; only N may be free, export it again"
        )
    profile = parsed.builder.create_optimization_profile()
    profile.set_shape(images.name, shape, shape, shape)
    return profile


def _use_dla(vendor: Vendor, core: int, parsed: Parsed, settings: Any) -> None:
    module = vendor.module
    cores = parsed.builder.num_DLA_cores if vendor.traits.has_dla else 0
    if core >= cores:
        raise BackendError(
            f"DLA core {core} was asked for and {vendor} finds {cores} on this machine; set backend.device "
            "to gpu, or backend.dla_core to one that is there"
        )
    settings.default_device_type = module.DeviceType.DLA
    settings.DLA_core = core
    settings.set_flag(module.BuilderFlag.GPU_FALLBACK)  # a DLA reads no uint8: the first Cast is the GPU's
    layers = [parsed.network.get_layer(number) for number in range(parsed.network.num_layers)]
    able = sum(settings.can_run_on_DLA(layer) for layer in layers)
    if not able:
        raise BackendError(
            f"DLA core {core} can run none of {len(layers)} layers; set backend.device to gpu"
        )
    log.info("DLA core %d runs %d of %d layers, the GPU the others", core, able, len(layers))
