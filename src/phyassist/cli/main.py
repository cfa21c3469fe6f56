"""The command line: one app, and the one hook at its top.

Only Typer is imported here and at the head of the command modules, so that `--help` comes at once;
a command imports what it works with when it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from phyassist import __version__
from phyassist.cli import (
    adapters,
    admitting,
    analysing,
    auditing,
    backups,
    beside,
    chatting,
    checking,
    consent,
    data,
    erasing,
    evaluating,
    heads,
    learning,
    learning_runs,
    library,
    models,
    notes,
    organising,
    patients,
    people,
    practising,
    publishing,
    quality,
    retention,
    scoring,
    serving,
    sharing,
    stores,
    teaching,
    train,
    trying,
    working,
)
from phyassist.cli.run import Run
from phyassist.cli.screen import say, say_error
from phyassist.errors import BadSetting, PhyAssistError
from phyassist.lm.child import forbid_core_files

app = typer.Typer(
    name="phyassist",
    help="The psychological counsellor's assistant: orderly records, itemised drafts, encrypted notes, "
    "on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"phyassist {__version__}")
        raise typer.Exit


@app.callback()
def _every_command(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(help="Folder of everything that PhyAssist keeps (PHYASSIST_HOME).")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version
    forbid_core_files()
    context.find_object(Run).home = home  # type: ignore[union-attr]  # main() always hands one in


app.command("serve")(serving.serve)
app.command("setup")(practising.setup)
app.command("organise")(organising.organise)
app.command("analyse")(analysing.analyse)
app.command("risk")(beside.risk)
app.command("similar")(beside.similar)
app.command("chat")(chatting.chat)
app.add_typer(patients.app, name="patients")
app.add_typer(notes.app, name="notes")
app.add_typer(people.app, name="people")
app.add_typer(sharing.share_app, name="share")
app.add_typer(sharing.keys_app, name="keys")
app.add_typer(retention.app, name="retention")
app.add_typer(consent.app, name="consent")
app.add_typer(auditing.app, name="audit")
app.add_typer(erasing.app, name="erasure")
app.add_typer(library.app, name="library")
app.add_typer(models.app, name="models")
app.add_typer(evaluating.app, name="evaluate")
evaluating.app.command("quality")(quality.quality)
evaluating.app.command("imhi")(scoring.imhi)
evaluating.app.command("explanations")(scoring.explanations)
evaluating.app.command("compare")(scoring.compare)
evaluating.app.command("select")(scoring.select)
app.add_typer(learning.app, name="learning")
learning.app.command("train")(learning_runs.train)
learning.app.command("merge")(learning_runs.merge)
learning.app.command("runs")(learning_runs.runs)
learning.app.command("cancel")(learning_runs.cancel)
learning.app.command("use")(learning_runs.use)
learning.app.command("withdraw")(learning_runs.withdraw)
app.add_typer(data.app, name="data")
data.app.command("draft")(teaching.draft)
app.command("train")(train.train)
app.add_typer(adapters.app, name="adapters")
app.add_typer(admitting.app, name="workers")
app.command("publish")(publishing.publish)
app.command("pull")(publishing.pull)
app.command("worker")(working.worker)
app.command("train-heads")(heads.train_heads)
app.command("demo")(trying.demo)
app.add_typer(backups.app, name="backup")
app.command("restore")(backups.restore)
app.add_typer(stores.app, name="store")
app.command("doctor")(checking.doctor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; the exit code: 0 done, 1 a failure said in a sentence, 2 not understood.

    This is the one place of the command line that catches everything.
    """
    run = Run()
    try:
        app(args=None if arguments is None else list(arguments), prog_name="phyassist", obj=run)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except BadSetting as error:
        say_error(error)
        return 2
    except PhyAssistError as error:
        run.log_expected(error)
        say_error(error)
        return 1
    except Exception as error:  # noqa: BLE001  # the hook
        say_error(run.log_unexpected(error))
        return 1
    finally:
        run.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
