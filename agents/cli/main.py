"""`renown`: loads only the file of the command that was called, and turns our errors into one line."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import Final

import click

from deploy.local.errors import StackError
from deploy.local.supervise import REFUSED
from schemas.errors import BadSettingError, RenownError
from schemas.printing import printable

COMMANDS: Final = {
    "up": "agents.cli.stack:up",
    "down": "agents.cli.stack:down",
    "status": "agents.cli.stack:status",
    "demo": "agents.cli.demo:demo",
    "worker": "agents.cli.worker:worker",
    "scoring": "agents.cli.scoring:scoring",
    "collect": "agents.cli.collect:collect",
    "serve": "agents.cli.serve:serve",
    "report": "agents.cli.report:report",
    "keys": "agents.cli.keys:keys",
    "ingest": "agents.cli.ingest:ingest",
    "drain": "agents.cli.drain:drain",
    "replay": "agents.cli.replay:replay",
    "evaluate": "agents.cli.evaluate:evaluate",
    "attack": "agents.cli.attack:attack",
    "stability": "agents.cli.stability:stability",
    "evidence": "agents.cli.evidence:evidence",
    "score": "agents.cli.lookup:score",
    "top": "agents.cli.lookup:top",
    "explain": "agents.cli.lookup:explain",
    "history": "agents.cli.lookup:history",
    "counts": "agents.cli.counts:counts",
    "opt-out": "agents.cli.departures:opt_out",
    "opt-in": "agents.cli.departures:opt_in",
    "forget": "agents.cli.departures:forget",
    "link": "agents.cli.links:link",
    "unlink": "agents.cli.links:unlink",
    "export": "agents.cli.export:export",
    "topics": "agents.cli.topics:topics",
    "monitor": "agents.cli.monitor:monitor",
    "doctor": "agents.cli.doctor:doctor",
    "plan": "agents.cli.plan:plan",
    "trace": "agents.cli.trace:trace",
    "access": "agents.cli.access:access",
    "dlq": "agents.cli.dlq:dlq",
    "config": "agents.cli.config:config",
    "bench": "agents.cli.bench:bench",
    "faults": "agents.cli.faults:faults",
    "torture": "agents.cli.torture:torture",
}


class _Commands(click.Group):
    """Imports a command's file when it is called, so that a look-up does not load the engine."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        # What is imported stays: looking through it for garbage takes a fifth of the start of a worker.
        gc.disable()
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        finally:
            gc.enable()
        return command


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="renown")
def cli() -> None:
    """Engagement in, an explained influence score from 1 to 100 out, seconds later.

    Example: renown demo
    """


def main() -> None:
    """Run `renown`; our own errors end in one line on standard error and exit code 1, 2 for a bad setting."""
    try:
        cli(prog_name="renown")
    except BadSettingError as error:
        _tell(error)
        sys.exit(REFUSED)
    except (RenownError, StackError) as error:
        _tell(error)
        sys.exit(1)


def _tell(error: Exception) -> None:
    """Print an error; what it quotes may be anybody's text."""
    lines = map(printable, str(error).split("\n"))
    click.echo("renown: " + "\n".join(lines), err=True)


if __name__ == "__main__":
    main()
