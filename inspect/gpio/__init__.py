"""Inputs and outputs of this computer, by libgpiod."""
