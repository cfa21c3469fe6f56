"""`phyassist publish` and `phyassist pull`: an adapter to a folder or the model hub, and back."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phyassist.cli.data import needs_training
from phyassist.cli.options import AsJson, Lang
from phyassist.cli.run import get_run
from phyassist.cli.screen import say, say_json, tell
from phyassist.domain.people import Language
from phyassist.errors import BadInput, ModelError

if TYPE_CHECKING:
    from phyassist.training.bases import BaseMark


def publish(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    to: Annotated[Path | None, typer.Option("--to", help="A new folder to publish into.")] = None,
    hub: Annotated[str, typer.Option("--hub", help="A repository of the hub: ORGANISATION/NAME.")] = "",
    private: Annotated[
        bool, typer.Option("--private", help="Make the repository private; refused where it is public.")
    ] = False,
    scores: Annotated[
        list[Path] | None,
        typer.Option("--scores", help="A folder of phyassist evaluate imhi whose scores the card shows."),
    ] = None,
    title: Annotated[
        str, typer.Option(help="Title of the card; without it, the last part of the name.")
    ] = "",
    licence: Annotated[
        str,
        typer.Option(help="Licence as the hub spells it; without it what the data demand, or apache-2.0."),
    ] = "",
    data: Annotated[
        Path | None, typer.Option(help="The prepared folder, for a run that did not keep its data card.")
    ] = None,
    language: Annotated[
        list[Lang] | None,
        typer.Option(help="A language it answers in, if not in any: of whose drafts it was shown to help."),
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="A Markdown page of what else was measured; the card takes it over.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Publish an adapter with its model card and checksums, to a folder or to the model hub."""
    if (to is None) == (not hub):
        raise BadInput("say where to publish", hint="either --to FOLDER or --hub ORGANISATION/NAME")
    with needs_training():
        from phyassist.training.hub import push_bundle
        from phyassist.training.publish import Publication, make_bundle
    settings = get_run(context).load_settings()
    name = title or (hub.rpartition("/")[2] if to is None else to.name)
    languages: tuple[Language, ...] = tuple("zh" if each is Lang.ZH else "en" for each in language or ())
    asked = Publication(run, name, tuple(scores or ()), licence, data, languages, page)
    if to is not None:
        manifest, place = make_bundle(asked, to), str(to)
    else:
        with tempfile.TemporaryDirectory() as folder:
            manifest = make_bundle(asked, Path(folder) / "bundle")
            pushed = push_bundle(Path(folder) / "bundle", hub, private=private, endpoint=settings.hub_url)
        place = f"{pushed.url} (commit {pushed.commit[:12]})"
    if as_json:
        say_json(manifest)
    else:
        say(place)
    if manifest["research_only"]:
        tell("its data are for research only: the card says so, and so does the licence")
    if not (manifest["scores"] or manifest["measured"]):
        tell("the card holds no scores; name them with --scores or --page")


def pull(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="ORGANISATION/NAME on the hub, or a folder.")],
    out: Annotated[Path, typer.Option(help="A new folder for the adapter.")],
    base: Annotated[
        str,
        typer.Option(help="Your base model, to compare with the adapter's; without it, the one it names."),
    ] = "",
    revision: Annotated[str, typer.Option(help="Branch, tag or commit; without it, main.")] = "",
    as_json: AsJson = False,
) -> None:
    """Fetch a published adapter and verify every file of it, and its base, before it is taken for whole."""
    with needs_training():
        from phyassist.training.bases import identify_base
        from phyassist.training.hub import pull_bundle

    def find(manifest: Mapping[str, Any]) -> BaseMark | None:
        said = manifest["base"]
        try:
            return identify_base(base or said["name"])
        except ModelError:
            if base:
                raise
            tell(f"{said['name']} is not on this computer, so the base was not compared")
            return None

    settings = get_run(context).load_settings()
    manifest = pull_bundle(source, out, find, revision=revision, endpoint=settings.hub_url)
    if as_json:
        say_json(manifest)
        return
    say(str(out))
    if manifest["research_only"]:
        tell("for research only: do not use it on anybody's file")
