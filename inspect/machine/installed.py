"""Says whether an engine's package can be imported, as one line of JSON; run in a process of its own.

A binding whose driver is missing or of another version may take the process with it.
"""

from __future__ import annotations

import importlib
import json
import sys

MODULES = ("onnxruntime", "openvino", "tensorrt", "tensorrt_rtx")


def look(name: str) -> dict[str, object]:
    """``version``, and ``providers`` and ``tensorrt`` of ONNX Runtime; ``refused`` with the reason else."""
    if name not in MODULES:
        return {"refused": f"{name} is no engine"}
    try:
        module = importlib.import_module(name)
    except (ImportError, OSError, AttributeError, RuntimeError) as error:
        return {"refused": str(error)}
    said: dict[str, object] = {"version": str(getattr(module, "__version__", "of no version"))}
    if name == "onnxruntime":
        from taktsight.inspect.backends.ort_tensorrt import major_of_provider

        said["providers"] = module.get_available_providers()
        said["tensorrt"] = major_of_provider()
    return said


if __name__ == "__main__":
    sys.stdout.write(json.dumps(look(sys.argv[1])) + "\n")
