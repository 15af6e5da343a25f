"""The kernel's own test driver for cameras, and its switches."""

from __future__ import annotations

import ctypes
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

NEXT_CONTROL = 0x80000000
QUERY_CAPABILITIES, QUERY_CONTROL, SET_CONTROL = 0x80685600, 0xC0445624, 0xC008561C
"""VIDIOC_QUERYCAP, VIDIOC_QUERYCTRL, VIDIOC_S_CTRL."""


class Control(ctypes.Structure):
    """struct v4l2_queryctrl."""

    _fields_ = (
        ("id", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("name", ctypes.c_char * 32),
        ("limits", ctypes.c_int32 * 4),
        ("flags", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 2),
    )


def is_vivid(device: Path) -> bool:
    """Whether the test driver made the device."""
    capabilities = ctypes.create_string_buffer(104)
    descriptor = os.open(device, os.O_RDWR)
    try:
        fcntl.ioctl(descriptor, QUERY_CAPABILITIES, capabilities)
    finally:
        os.close(descriptor)
    return capabilities.raw.startswith(b"vivid\0")


def set_control(device: Path, name: str, value: int) -> None:
    """Turns one of the driver's switches."""
    descriptor = os.open(device, os.O_RDWR)
    try:
        number = next(control.id for control in _controls(descriptor) if control.name.decode() == name)
        fcntl.ioctl(descriptor, SET_CONTROL, number.to_bytes(4, "little") + value.to_bytes(4, "little"))
    finally:
        os.close(descriptor)


def _controls(descriptor: int) -> Iterator[Control]:
    control = Control(id=NEXT_CONTROL)
    while True:
        try:
            fcntl.ioctl(descriptor, QUERY_CONTROL, control)
        except OSError:  # the last one was the last
            return
        yield control
        control.id |= NEXT_CONTROL
