"""NVIDIA's engines: TensorRT 10 and 11, and TensorRT-RTX. One path; the vendor's module is a parameter."""
