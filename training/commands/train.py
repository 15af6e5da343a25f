"""Train a model from a configuration.

    taktsight train configs/training/magnetic_tile.yaml --run runs/tile
    taktsight train configs/training/magnetic_tile.yaml --run runs/tile --resume
    taktsight train my.yaml --run runs/mine --trainer.max_epochs=10 --data.batch_size=8

The run folder gets config.yaml (resolved), best.ckpt, last.ckpt, metrics.csv and TensorBoard events.
Any key of the configuration can be overridden with --section.key=value.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from taktsight.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("config", type=Path, help="training YAML: model (class_path), data, trainer")
    parser.add_argument("--run", type=Path, required=True, help="folder that gets checkpoints and logs")
    parser.add_argument("--resume", action="store_true", help="go on from the run's last.ckpt")
    parser.set_defaults(overrides=[])


def main(arguments: argparse.Namespace) -> int:
    """Trains; 0 when the run is complete."""
    if not arguments.config.is_file():
        raise ConfigError(f"{arguments.config}: there is no such file")
    if arguments.resume and not (arguments.run / "last.ckpt").is_file():
        raise ConfigError(f"{arguments.run}/last.ckpt: there is nothing to resume from")
    if not arguments.resume and (arguments.run / "best.ckpt").exists():
        raise ConfigError(
            f"{arguments.run}: holds a trained model; go on with --resume, name another folder, "
            "or remove it"
        )
    from taktsight.training.command_line import train

    train(arguments.config, arguments.run, resume=arguments.resume, overrides=arguments.overrides)
    print(f"trained: {arguments.run}; next: taktsight evaluate {arguments.run}")
    return 0
