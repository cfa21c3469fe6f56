"""`phyassist retention`: which files are due, by which rule."""

from __future__ import annotations

from typing import Annotated

import typer

from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin, open_practice

app = typer.Typer(
    help="How long files are kept, and which are due. Nothing is deleted by itself.", no_args_is_help=True
)


@app.command()
def due(
    context: typer.Context,
    within: Annotated[int, typer.Option("--within", help="Also those due in so many days.", min=0)] = 0,
    as_json: AsJson = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """List the files whose period is over, the one due longest first."""
    from phyassist.services.retention import list_due

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = list_due(practice.store, practice.by, within_days=within)
    if as_json:
        say_json(
            {
                "rule": found.rule.key,
                "due": [
                    {
                        "id": each.patient_id,
                        "name": each.name or None,
                        "number": each.number or None,
                        "last_contact": each.last_contact.isoformat(),
                        "due_at": each.due_at.isoformat(),
                        "of_age_at": each.of_age_at.isoformat() if each.of_age_at else None,
                    }
                    for each in found.due
                ],
            }
        )
        return
    tell(f"{found.rule.title['en']}. {found.rule.source['en']}")
    if not found.due:
        tell("no file is due")
    console = make_console()
    for each in found.due:
        name = f"{each.number} {each.name}".strip() or "not shared with you"
        days = f"{each.due_at:%Y-%m-%d}  last contact {each.last_contact:%Y-%m-%d}"
        console.print(f"{days}  {each.patient_id[:8]}  {name}", soft_wrap=True)


@app.command()
def rules(as_json: AsJson = False) -> None:
    """List the rules that a practice can keep to, each with its source."""
    from phyassist.services.retention import list_rules

    known = list_rules()
    if as_json:
        say_json(
            [
                {"key": each.key, "years": each.years or None, "title": each.title, "source": each.source}
                for each in known
            ]
        )
        return
    for each in known:
        say(f"{each.key:<14} {each.title['en']}\n{'':<14} {each.source['en']}")


@app.command("set")
def set_rule(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(help="A key that phyassist retention rules lists.")],
    years: Annotated[int | None, typer.Option("--years", help="Years of the rule named own.")] = None,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Choose the rule that the practice keeps to; for who runs the practice."""
    from phyassist.services.practice import get_practice_settings
    from phyassist.services.retention import save_retention

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        present = get_practice_settings(practice.store).retention_years
        save_retention(practice.store, practice.by, rule=rule, years=present if years is None else years)
    tell(f"the practice keeps to {rule}")
