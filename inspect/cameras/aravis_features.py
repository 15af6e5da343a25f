"""What a camera can be told, through libaravis."""

from __future__ import annotations

import ctypes as c

from taktsight.inspect.cameras.aravis_library import Aravis


class AravisFeatures:
    """The features of one open camera."""

    def __init__(self, arv: Aravis, device: int) -> None:
        self._arv, self._device = arv, device

    def has(self, name: str) -> bool:
        """Whether it has the feature, and lets it be used now."""
        return bool(self._arv.call("arv_device_is_feature_available", self._device, name.encode()))

    def integer(self, name: str) -> int:
        """As the camera has it."""
        return int(self._arv.call("arv_device_get_integer_feature_value", self._device, name.encode()))

    def set_integer(self, name: str, value: int) -> None:
        """Written, not checked."""
        self._arv.call("arv_device_set_integer_feature_value", self._device, name.encode(), value)

    def number(self, name: str) -> float:
        """As the camera has it."""
        return float(self._arv.call("arv_device_get_float_feature_value", self._device, name.encode()))

    def set_number(self, name: str, value: float) -> None:
        """Written, not checked."""
        self._arv.call("arv_device_set_float_feature_value", self._device, name.encode(), value)

    def choice(self, name: str) -> str:
        """Of an enumeration, as the camera has it."""
        text = self._arv.call("arv_device_get_string_feature_value", self._device, name.encode())
        return "" if text is None else str(text, "utf-8", "replace")

    def set_choice(self, name: str, value: str) -> None:
        """Written, not checked."""
        self._arv.call("arv_device_set_string_feature_value", self._device, name.encode(), value.encode())

    def choices(self, name: str) -> list[str]:
        """What can be chosen now."""
        count = c.c_uint()
        list_all = "arv_device_dup_available_enumeration_feature_values_as_strings"
        texts = self._arv.call(list_all, self._device, name.encode(), c.byref(count))
        if not texts:
            return []
        try:
            array = c.cast(texts, c.POINTER(c.c_char_p))
            return [(array[place] or b"").decode(errors="replace") for place in range(count.value)]
        finally:
            self._arv.call("g_free", texts)

    def set_switch(self, name: str, *, on: bool) -> None:
        """Of a boolean; written, not checked."""
        self._arv.call("arv_device_set_boolean_feature_value", self._device, name.encode(), int(on))

    def highest(self, name: str) -> int:
        """The largest value that an integer may have now."""
        low, high = c.c_int64(), c.c_int64()
        bounds = "arv_device_get_integer_feature_bounds"
        self._arv.call(bounds, self._device, name.encode(), c.byref(low), c.byref(high))
        return high.value

    def execute(self, name: str) -> None:
        """Of a command."""
        self._arv.call("arv_device_execute_command", self._device, name.encode())
