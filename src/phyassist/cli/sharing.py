"""`phyassist share` and `phyassist keys`: who may open a patient, and the renewal of keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from phyassist.cli.options import AsJson
from phyassist.cli.people import find_colleague
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin, find_patient, open_practice
from phyassist.errors import BadInput

if TYPE_CHECKING:
    from phyassist.cli.unlocking import Practice

share_app = typer.Typer(help="With whom patients are shared.", no_args_is_help=True)
keys_app = typer.Typer(help="Renewing keys.", no_args_is_help=True)
WhichPatient = Annotated[str, typer.Argument(metavar="PATIENT", help="Id, number or name.")]
WithWhom = Annotated[str, typer.Option("--with", help="Name or id of the colleague.")]
ToWhom = Annotated[str, typer.Option("--to", help="Name or id of the colleague.")]
LastDay = Annotated[str | None, typer.Option("--until", help="Last day, such as 2026-12-31.")]


@share_app.command("list")
def list_shares(
    context: typer.Context,
    patient: WhichPatient,
    as_json: AsJson = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Show who is in charge of a patient and with whom the file is shared."""
    from phyassist.services.sharing import load_sharing

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        sharing = load_sharing(practice.store, practice.by, find_patient(practice, patient).id)
    keeper = sharing.in_charge.counsellor.name if sharing.in_charge else None
    shared = [
        {
            "id": one.member.id,
            "name": one.member.counsellor.name,
            "right": "write" if one.holder.may_write else "read",
            "until": one.holder.until.isoformat() if one.holder.until else None,
        }
        for one in sharing.shared
    ]
    if as_json:
        say_json({"in_charge": keeper, "shared": shared})
        return
    console = make_console()
    console.print(f"in charge: {keeper or '-'}")
    for row in shared:
        console.print(f"{row['name']}  {row['right']}  {row['until'] or ''}".rstrip())


@share_app.command()
def give(
    context: typer.Context,
    patient: WhichPatient,
    with_whom: WithWhom,
    write: Annotated[bool, typer.Option("--write", help="To read and write; without it, to read.")] = False,
    until: LastDay = None,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Let a colleague open a patient."""
    from phyassist.services.sharing import share

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        share(
            practice.store,
            practice.by,
            patient_id=find_patient(practice, patient).id,
            with_id=find_colleague(practice, with_whom).member.id,
            may_write=write,
            until=_end_of(practice, until),
        )


@share_app.command()
def end(
    context: typer.Context,
    patient: WhichPatient,
    with_whom: WithWhom,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """End a share; the patient's key is renewed."""
    from phyassist.services.sharing import withdraw

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        withdraw(
            practice.store,
            practice.by,
            patient_id=find_patient(practice, patient).id,
            counsellor_id=find_colleague(practice, with_whom).member.id,
        )


@share_app.command("hand-over")
def hand_over(
    context: typer.Context,
    to_whom: ToWhom,
    patient: Annotated[
        str | None, typer.Option("--patient", help="Id, number or name; without it, all files of one's own.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--read-until", help="Last day on which one goes on reading.")
    ] = None,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Put a colleague in charge of one patient, or of all of one's own."""
    from phyassist.services.sharing import hand_over as hand_files_over

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        count = hand_files_over(
            practice.store,
            practice.by,
            to_id=find_colleague(practice, to_whom).member.id,
            patient_ids=None if patient is None else (find_patient(practice, patient).id,),
            read_until=_end_of(practice, until),
        )
    tell(f"handed over: {count}")


@share_app.command()
def cover(
    context: typer.Context,
    with_whom: WithWhom,
    until: Annotated[str, typer.Option("--until", help="Last day, such as 2026-12-31.")],
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Let a colleague read and write all of one's own files until a day."""
    from phyassist.services.sharing import cover as cover_files

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        ends = _end_of(practice, until)
        if ends is None:
            raise BadInput("a leave needs a last day", hint="write it like 2026-12-31")
        colleague = find_colleague(practice, with_whom).member
        count = cover_files(practice.store, practice.by, with_id=colleague.id, until=ends)
    tell(f"covered until then: {count}")


@keys_app.command()
def renew(
    context: typer.Context,
    patient: Annotated[
        str | None, typer.Option("--patient", help="Id, number or name: a new key for this patient.")
    ] = None,
    whole_practice: Annotated[
        bool, typer.Option("--practice", help="A new key for the practice's names and identities.")
    ] = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Renew a key and seal everything anew under it; one that was interrupted is finished."""
    from phyassist.services.sharing import renew_patient, renew_practice

    if (patient is None) == (not whole_practice):
        raise BadInput("it is not clear which key is meant", hint="give --patient ID or --practice")
    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        if patient is None:
            renew_practice(practice.store, practice.by)
        else:
            found = find_patient(practice, patient)
            renew_patient(practice.store, practice.by, patient_id=found.id)
    tell("the key is renewed")


def _end_of(practice: Practice, day: str | None) -> datetime | None:
    """The end of a day in the counsellor's own calendar.  Raises BadInput."""
    if not day:
        return None
    try:
        start = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=ZoneInfo(practice.by.counsellor.zone))
    except ValueError:
        raise BadInput("the day cannot be read", hint="write it like 2026-12-31") from None
    return (start + timedelta(days=1)).astimezone(UTC)
