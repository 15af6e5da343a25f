r"""Train a model from a configuration.

    taktsight train --like segmentation --run runs/mine --data.root=images --data.layout=mask_folder \
        --data.canvas='{height: 256, width: 256, channels: 1}'
    taktsight train my.yaml --run runs/mine --probe
    taktsight train my.yaml --run runs/mine --trainer.max_epochs=10 --data.batch_size=8
    taktsight train my.yaml --run runs/mine --resume

The run folder gets config.yaml (resolved), best.ckpt, last.ckpt, metrics.csv, TensorBoard events,
parts.csv (what was trained on) and manifest.json (what the weights were made of). The same data, seed and
code give the same weights, whose digest is printed, also after a kill and --resume.
Any key of the configuration can be overridden with --section.key=value.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from taktsight.errors import ConfigError
from taktsight.training.allocator import keep_freed_memory
from taktsight.training.starting_points import listing, starting_point


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument(
        "config", type=Path, nargs="?", help="training YAML: model (class_path), data, trainer"
    )
    parser.add_argument(
        "--like", metavar="NAME", nargs="?", const="", help="start from one of those below instead"
    )
    parser.add_argument("--run", type=Path, required=True, help="folder that gets checkpoints and logs")
    parser.add_argument("--resume", action="store_true", help="go on from the run's last.ckpt")
    parser.add_argument(
        "--probe",
        action="store_true",
        help="train nothing; see within minutes whether one batch can be learned and which learning rates "
        "are sensible, write RUN/probe.html; exit 1 if the batch cannot be learned",
    )
    parser.epilog = f"starting points for --like:\n{listing()}"
    parser.set_defaults(overrides=[])


def main(arguments: argparse.Namespace) -> int:
    """Trains; 0 when the run is complete. Probes; 1 when one batch cannot be learned."""
    config = _config(arguments)
    keep_freed_memory()
    if arguments.probe:
        return _probe(config, arguments)
    if arguments.resume and not (arguments.run / "last.ckpt").is_file():
        raise ConfigError(
            f"{arguments.run}/last.ckpt: there is nothing to resume from, no epoch was completed; "
            "remove the folder and train without --resume"
        )
    if not arguments.resume and (arguments.run / "best.ckpt").exists():
        raise ConfigError(
            f"{arguments.run}: holds a trained model; go on with --resume, name another folder, "
            "or remove it"
        )
    from taktsight.training.command_line import train

    manifest = train(config, arguments.run, resume=arguments.resume, overrides=arguments.overrides)
    if manifest is not None:
        print(f"weights {manifest.weights}")
        print(f"trained: {arguments.run}; next: taktsight evaluate {arguments.run}")
    return 0


def _config(arguments: argparse.Namespace) -> Path:
    """The one configuration that was asked for."""
    given: Path | None = arguments.config
    if arguments.like is None:
        if given is None:
            raise ConfigError(f"give a training YAML, or --like NAME with one of\n{listing()}")
        if not given.is_file():
            raise ConfigError(f"{given}: there is no such file")
        return given
    if given is not None:
        raise ConfigError(
            f"--like {arguments.like} and {given} were both given: keep one. "
            "Is it the value of an override? Write --data.root=FOLDER, with an equals sign"
        )
    return starting_point(arguments.like)


def _probe(config: Path, arguments: argparse.Namespace) -> int:
    if arguments.resume:
        raise ConfigError("--probe looks at a training before it starts; leave --resume out")
    from taktsight.training.probes.page import write_page
    from taktsight.training.probes.probe import probe

    found = probe(config, arguments.run, arguments.overrides)
    page = write_page(arguments.run, found)
    print("\n".join((found.overfit_said, found.rates_said, *found.advice)))
    print(f"curves and crops: {page}")
    return 0 if found.overfit.is_passed else 1
