"""The few functions of CUDA's driver that running an engine takes.

``libcuda.so.1`` comes with the driver itself, so nothing is installed, and no version of a toolkit can
disagree with the vendor's. It works in the GPU's primary context, which the vendor's library uses too.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taktsight.errors import BackendError

LIBRARY = "libcuda.so.1"
SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cuInit": (c_uint,),
    "cuDriverGetVersion": (POINTER(c_int),),
    "cuDeviceGet": (POINTER(c_int), c_int),
    "cuDeviceGetName": (c_char_p, c_int, c_int),
    "cuDeviceGetAttribute": (POINTER(c_int), c_int, c_int),
    "cuDevicePrimaryCtxRetain": (POINTER(c_void_p), c_int),
    "cuCtxSetCurrent": (c_void_p,),
    "cuStreamCreate": (POINTER(c_void_p), c_uint),
    "cuStreamSynchronize": (c_void_p,),
    "cuMemAlloc_v2": (POINTER(c_uint64), c_size_t),
    "cuMemHostAlloc": (POINTER(c_void_p), c_size_t, c_uint),
    "cuMemcpyHtoDAsync_v2": (c_uint64, c_void_p, c_size_t, c_void_p),
    "cuMemcpyDtoHAsync_v2": (c_void_p, c_uint64, c_size_t, c_void_p),
    "cuStreamBeginCapture_v2": (c_void_p, c_int),
    "cuStreamEndCapture": (c_void_p, POINTER(c_void_p)),
    "cuGraphInstantiateWithFlags": (POINTER(c_void_p), c_void_p, c_uint64),
    "cuGraphLaunch": (c_void_p, c_void_p),
    "cuGetErrorName": (c_int, POINTER(c_char_p)),
    "cuGetErrorString": (c_int, POINTER(c_char_p)),
}
"""Arguments of each; all return a CUresult, 0 for success."""
NON_BLOCKING = 1
"""A stream of its own that does not wait for the default one."""
THREAD_LOCAL = 1
"""A capture that other threads' calls do not disturb."""
MAJOR, MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_…"""


@dataclass(frozen=True, slots=True)
class Buffer:
    """A tensor on both sides."""

    pinned: NDArray[Any]
    device: int
    """Address on the GPU."""


class Gpu:
    """The first GPU of this machine: its name, memory, streams and graphs.

    Raises:
        BackendError: From any call that the driver refuses; it names the GPU and the call.
    """

    def __init__(self, library: str = LIBRARY) -> None:
        self.name = "GPU 0"
        self._driver = _load(library)
        self._call("cuInit", 0)
        device, version = c_int(), c_int()
        self._call("cuDriverGetVersion", byref(version))
        self._call("cuDeviceGet", byref(device), 0)
        name = ctypes.create_string_buffer(256)
        self._call("cuDeviceGetName", name, len(name), device)
        self.name = name.value.decode(errors="replace")
        self.cuda_version = f"{version.value // 1000}.{version.value % 1000 // 10}"
        major, minor = (self._attribute(which, device) for which in (MAJOR, MINOR))
        self.compute_capability = f"{major}.{minor}"
        self._context = c_void_p()
        self._call("cuDevicePrimaryCtxRetain", byref(self._context), device)
        self.enter()

    def enter(self) -> None:
        """Makes the GPU that of the calling thread."""
        self._call("cuCtxSetCurrent", self._context)

    def new_stream(self) -> int:
        """A queue of work."""
        stream = c_void_p()
        self._call("cuStreamCreate", byref(stream), NON_BLOCKING)
        return _address(stream)

    def wait(self, stream: int) -> None:
        """Until everything in the stream is done."""
        self._call("cuStreamSynchronize", stream)

    def device_memory(self, size: int) -> int:
        """Address of so many bytes on the GPU; theirs until the process ends."""
        address = c_uint64()
        self._call("cuMemAlloc_v2", byref(address), size)
        return address.value

    def pinned(self, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
        """Zeros that the GPU copies from and to by itself; theirs until the process ends."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        address = c_void_p()
        self._call("cuMemHostAlloc", byref(address), size, 0)
        block = (ctypes.c_uint8 * size).from_address(_address(address))
        array: NDArray[Any] = np.ctypeslib.as_array(block).view(dtype).reshape(shape)
        array[...] = 0
        return array

    def buffer(self, shape: tuple[int, ...], dtype: type[np.generic]) -> Buffer:
        """A tensor's place on both sides."""
        pinned = self.pinned(shape, dtype)
        return Buffer(pinned, self.device_memory(pinned.nbytes))

    def upload(self, buffer: Buffer, stream: int) -> None:
        """Queues a copy to the GPU."""
        pinned = buffer.pinned
        self._call("cuMemcpyHtoDAsync_v2", buffer.device, pinned.ctypes.data, pinned.nbytes, stream)

    def download(self, buffer: Buffer, stream: int) -> None:
        """Queues a copy from the GPU."""
        pinned = buffer.pinned
        self._call("cuMemcpyDtoHAsync_v2", pinned.ctypes.data, buffer.device, pinned.nbytes, stream)

    def begin_capture(self, stream: int) -> None:
        """What is queued from now on is noted and not done."""
        self._call("cuStreamBeginCapture_v2", stream, THREAD_LOCAL)

    def end_capture(self, stream: int) -> int:
        """What was noted, as a graph that one call launches."""
        graph, ready = c_void_p(), c_void_p()
        self._call("cuStreamEndCapture", stream, byref(graph))
        self._call("cuGraphInstantiateWithFlags", byref(ready), graph, 0)
        return _address(ready)

    def abandon_capture(self, stream: int) -> None:
        """Ends a capture that failed; the stream is then as before."""
        self._driver.cuStreamEndCapture(stream, byref(c_void_p()))

    def launch(self, graph: int, stream: int) -> None:
        """Queues all that a graph holds."""
        self._call("cuGraphLaunch", graph, stream)

    def _attribute(self, which: int, device: c_int) -> int:
        value = c_int()
        self._call("cuDeviceGetAttribute", byref(value), which, device)
        return value.value

    def _call(self, function: str, *arguments: Any) -> None:
        result = getattr(self._driver, function)(*arguments)
        if result:
            raise BackendError(f"{self.name}: {function} failed: {_words(self._driver, result)}")


def _load(library: str) -> ctypes.CDLL:
    try:
        driver = ctypes.CDLL(library)
    except OSError as error:
        raise BackendError(
            f"{library} is not on this machine ({error}): it has no NVIDIA driver; install it, or set "
            "backend.kind to an engine for the CPU"
        ) from error
    for name, arguments in SIGNATURES.items():
        try:
            function = getattr(driver, name)
        except AttributeError:
            raise BackendError(f"{library} has no {name}: the driver is older than CUDA 11.4") from None
        function.argtypes, function.restype = arguments, c_int
    return driver


def _words(driver: ctypes.CDLL, result: int) -> str:
    """Name and sentence of an error, as the driver says them."""
    name, sentence = c_char_p(), c_char_p()
    driver.cuGetErrorName(result, byref(name))
    driver.cuGetErrorString(result, byref(sentence))
    return f"{(name.value or b'error').decode()} {result}, {(sentence.value or b'').decode()}".rstrip(", ")


def _address(pointer: c_void_p) -> int:
    if pointer.value is None:
        raise BackendError("the driver gave a null pointer and called it a success")
    return pointer.value
