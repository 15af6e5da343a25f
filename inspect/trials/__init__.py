"""Engines tried on this machine, each in a process of its own, and which of them a station should run."""
