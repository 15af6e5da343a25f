"""libaravis through ctypes: which functions there are, what they take, and their errors as ours.

Nothing of it is compiled or imported until a camera asks for it; every CPython can call it.
"""

from __future__ import annotations

import ctypes as c
import functools
from collections.abc import Callable
from typing import Any

from taktsight.errors import CameraError

INSTALL = "sudo apt-get install libaravis-0.8-0"
ARAVIS, GOBJECT, GIO, GLIB = (
    "libaravis-0.8.so.0",
    "libgobject-2.0.so.0",
    "libgio-2.0.so.0",
    "libglib-2.0.so.0",
)
_P, _S, _I, _U, _D = c.c_void_p, c.c_char_p, c.c_int, c.c_uint, c.c_double
_I64, _U64, _OUT = c.c_int64, c.c_uint64, c.c_void_p
CONTROL_LOST = c.CFUNCTYPE(None, c.c_void_p, c.c_void_p)
"""Called from a thread of the library's."""


class _GError(c.Structure):
    _fields_ = (("domain", c.c_uint32), ("code", c.c_int), ("message", c.c_char_p))


class _GValue(c.Structure):
    _fields_ = (("type", c.c_size_t), ("data", c.c_uint64 * 2))


_MAY_FAIL: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "arv_camera_new": (_P, (_S,)),
    "arv_camera_create_stream": (_P, (_P, _P, _P)),
    "arv_camera_gv_auto_packet_size": (_U, (_P,)),
    "arv_device_execute_command": (None, (_P, _S)),
    "arv_device_get_boolean_feature_value": (_I, (_P, _S)),
    "arv_device_get_float_feature_value": (_D, (_P, _S)),
    "arv_device_get_integer_feature_bounds": (None, (_P, _S, _OUT, _OUT)),
    "arv_device_get_integer_feature_value": (_I64, (_P, _S)),
    "arv_device_get_string_feature_value": (_S, (_P, _S)),
    "arv_device_is_enumeration_entry_available": (_I, (_P, _S, _S)),
    "arv_device_is_feature_available": (_I, (_P, _S)),
    "arv_device_read_register": (_I, (_P, _U64, _OUT)),
    "arv_device_set_boolean_feature_value": (None, (_P, _S, _I)),
    "arv_device_set_float_feature_value": (None, (_P, _S, _D)),
    "arv_device_set_integer_feature_value": (None, (_P, _S, _I64)),
    "arv_device_set_string_feature_value": (None, (_P, _S, _S)),
    "arv_device_dup_available_enumeration_feature_values_as_strings": (_P, (_P, _S, _OUT)),
    "arv_gv_device_get_timestamp_tick_frequency": (_U64, (_P,)),
    "arv_chunk_parser_get_float_value": (_D, (_P, _P, _S)),
    "arv_chunk_parser_get_integer_value": (_I64, (_P, _P, _S)),
}
"""Name → what it gives and takes; behind that each takes the place of an error."""
_CANNOT: dict[str, tuple[str, Any, tuple[Any, ...]]] = {
    "arv_update_device_list": (ARAVIS, None, ()),
    "arv_get_n_devices": (ARAVIS, _U, ()),
    "arv_get_device_id": (ARAVIS, _S, (_U,)),
    "arv_get_device_address": (ARAVIS, _S, (_U,)),
    "arv_get_device_model": (ARAVIS, _S, (_U,)),
    "arv_get_device_protocol": (ARAVIS, _S, (_U,)),
    "arv_get_device_serial_nbr": (ARAVIS, _S, (_U,)),
    "arv_get_device_vendor": (ARAVIS, _S, (_U,)),
    "arv_camera_create_chunk_parser": (ARAVIS, _P, (_P,)),
    "arv_camera_get_device": (ARAVIS, _P, (_P,)),
    "arv_camera_is_gv_device": (ARAVIS, _I, (_P,)),
    "arv_camera_gv_set_packet_size_adjustment": (ARAVIS, None, (_P, _I)),
    "arv_camera_gv_set_stream_options": (ARAVIS, None, (_P, _I)),
    "arv_device_set_register_cache_policy": (ARAVIS, None, (_P, _I)),
    "arv_gv_device_get_device_address": (ARAVIS, _P, (_P,)),
    "arv_gv_device_is_controller": (ARAVIS, _I, (_P,)),
    "arv_stream_push_buffer": (ARAVIS, None, (_P, _P)),
    "arv_stream_timeout_pop_buffer": (ARAVIS, _P, (_P, _U64)),
    "arv_stream_get_info_uint64_by_name": (ARAVIS, _U64, (_P, _S)),
    "arv_buffer_new_allocate": (ARAVIS, _P, (c.c_size_t,)),
    "arv_buffer_get_data": (ARAVIS, _P, (_P, _OUT)),
    "arv_buffer_get_frame_id": (ARAVIS, _U64, (_P,)),
    "arv_buffer_get_image_height": (ARAVIS, _I, (_P,)),
    "arv_buffer_get_image_padding": (ARAVIS, None, (_P, _OUT, _OUT)),
    "arv_buffer_get_image_pixel_format": (ARAVIS, c.c_uint32, (_P,)),
    "arv_buffer_get_image_width": (ARAVIS, _I, (_P,)),
    "arv_buffer_get_n_parts": (ARAVIS, _U, (_P,)),
    "arv_buffer_get_status": (ARAVIS, _I, (_P,)),
    "arv_buffer_get_system_timestamp": (ARAVIS, _U64, (_P,)),
    "arv_buffer_get_timestamp": (ARAVIS, _U64, (_P,)),
    "arv_buffer_set_frame_id": (ARAVIS, None, (_P, _U64)),
    "arv_buffer_set_system_timestamp": (ARAVIS, None, (_P, _U64)),
    "arv_buffer_set_timestamp": (ARAVIS, None, (_P, _U64)),
    "g_object_unref": (GOBJECT, None, (_P,)),
    "g_object_set_property": (GOBJECT, None, (_P, _S, c.POINTER(_GValue))),
    "g_value_init": (GOBJECT, _P, (c.POINTER(_GValue), c.c_size_t)),
    "g_value_set_double": (GOBJECT, None, (c.POINTER(_GValue), _D)),
    "g_value_set_int": (GOBJECT, None, (c.POINTER(_GValue), _I)),
    "g_value_unset": (GOBJECT, None, (c.POINTER(_GValue),)),
    "g_signal_connect_data": (GOBJECT, c.c_ulong, (_P, _S, CONTROL_LOST, _P, _P, _I)),
    "g_inet_socket_address_get_address": (GIO, _P, (_P,)),
    "g_inet_address_to_string": (GIO, _P, (_P,)),
    "g_error_free": (GLIB, None, (_P,)),
    "g_free": (GLIB, None, (_P,)),
}
"""Name → library, what it gives and takes."""
_G_TYPE_INT, _G_TYPE_DOUBLE = 6 << 2, 15 << 2


class Aravis:
    """The library, loaded."""

    def __init__(self) -> None:
        try:
            self._libraries = {name: c.CDLL(name) for name in (ARAVIS, GOBJECT, GIO, GLIB)}
        except OSError as error:
            raise CameraError(
                f"kind: aravis needs libaravis 0.8, which is not installed here ({error}): {INSTALL}; "
                "or take kind: viva, which needs no library of the system"
            ) from error
        self._functions: dict[str, Callable[..., Any]] = {}

    def call(self, name: str, *arguments: Any) -> Any:
        """What a function gives.

        Raises:
            CameraError: With the library's own words, if the function says that it failed.
        """
        function = self._functions.get(name) or self._find(name)
        if name not in _MAY_FAIL:
            return function(*arguments)
        error = c.POINTER(_GError)()
        given = function(*arguments, c.byref(error))
        if error:
            said = error.contents.message.decode(errors="replace")
            self.call("g_error_free", error)
            raise CameraError(said)
        return given

    def declare(self, name: str, gives: Any, *takes: Any) -> None:
        """One more function of libaravis, which cannot fail: the simulated camera has some of its own."""
        self._functions[name] = self._typed(self._libraries[ARAVIS], name, gives, takes)

    def set_number(self, thing: int, name: str, number: float) -> None:
        """A property of an object: an int, an enumeration or, where the number is a float, a double."""
        value = _GValue()
        is_double = isinstance(number, float)
        self.call("g_value_init", c.byref(value), _G_TYPE_DOUBLE if is_double else _G_TYPE_INT)
        self.call("g_value_set_double" if is_double else "g_value_set_int", c.byref(value), number)
        self.call("g_object_set_property", thing, name.encode(), c.byref(value))
        self.call("g_value_unset", c.byref(value))

    def _find(self, name: str) -> Callable[..., Any]:
        if name in _MAY_FAIL:
            gives, takes = _MAY_FAIL[name]
            library, takes = ARAVIS, (*takes, c.POINTER(c.POINTER(_GError)))
        else:
            library, gives, takes = _CANNOT[name]
        function = self._typed(self._libraries[library], name, gives, takes)
        self._functions[name] = function
        return function

    @staticmethod
    def _typed(library: c.CDLL, name: str, gives: Any, takes: tuple[Any, ...]) -> Callable[..., Any]:
        try:
            function = getattr(library, name)
        except AttributeError as error:
            raise CameraError(
                f"libaravis is older than 0.8.23, it has no {name}: install a newer one"
            ) from error
        function.restype, function.argtypes = gives, takes
        typed: Callable[..., Any] = function
        return typed


@functools.cache
def load_aravis() -> Aravis:
    """The library, loaded once.

    Raises:
        CameraError: If it is not installed; the message says how to install it.
    """
    return Aravis()
