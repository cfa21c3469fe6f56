"""`phyassist adapters`: joined, made part of their base, what that costs, and taken into the practice."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from phyassist.cli.data import needs_models, needs_training
from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin, open_practice
from phyassist.domain.adapters import MODEL
from phyassist.errors import BadInput, BadSetting
from phyassist.lm.folders import writes_into

app = typer.Typer(help="Join and merge adapters, or take a published one.", no_args_is_help=True)

Weights = Annotated[
    str, typer.Option(help="A weight for each adapter, with commas: 0.5,0.5. Without it 1 for each.")
]
Density = Annotated[
    float, typer.Option(help="Share of the numbers that ties and dare keep, above 0 and up to 1.")
]
Base = Annotated[
    str, typer.Option(help="Their base: a name of the catalogue or a folder; without it, the one they name.")
]


@app.command("merge")
def merge(
    context: typer.Context,
    adapters: Annotated[list[Path], typer.Argument(help="Runs, or folders that hold an adapter.")],
    out: Annotated[Path, typer.Option(help="A new folder for what is made.")],
    how: Annotated[
        str,
        typer.Option(
            help="linear, cat, svd, ties, dare_linear, dare_ties, ties_svd, dare_linear_svd or dare_ties_svd."
        ),
    ] = "cat",
    weights: Weights = "",
    density: Density = 0.5,
    base: Base = "",
    into_base: Annotated[
        bool, typer.Option("--into-base", help="Merge one adapter into the weights of its base.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Join two adapters or more of one base into one, or merge one into its base's own weights."""
    with needs_models():
        from phyassist.training.merge import Way, find_joinable, merge_adapters, merge_into_base

    joined = find_joinable(adapters)
    named = find_base_of(context, joined.folders[next(iter(joined.folders))], base)
    if into_base:
        if len(adapters) != 1:
            raise BadInput("one adapter at a time is merged into its base", hint="join them into one first")
        said = merge_into_base(adapters[0], named, out)
    else:
        if len(adapters) < 2:
            raise BadInput("one adapter alone cannot be joined", hint="name another, or say --into-base")
        said = merge_adapters(joined, named, Way(how, parse_weights(weights), density), out)
    if as_json:
        say_json(said)
        return
    say(str(out))
    if into_base:
        tell(f"they answer as base and adapter do: logits differ by {said['logits_differ_at_most']:.1e}")
    else:
        tell(f"rank {said['rank']}; phyassist adapters compare shows what joining costs")


@app.command("compare")
def compare(
    context: typer.Context,
    adapters: Annotated[list[Path], typer.Argument(help="Two or three adapters, each of a task of its own.")],
    sets: Annotated[str, typer.Option(help="The tasks: IMHI sets, with commas, such as SAD,dreaddit.")],
    out: Annotated[Path, typer.Option(help="Folder for the scores; a broken off comparison goes on there.")],
    how: Annotated[str, typer.Option(help="Ways of joining, with commas.")] = "linear,cat,svd,ties,dare_ties",
    joint: Annotated[
        Path | None, typer.Option(help="An adapter that was trained on all the tasks at once.")
    ] = None,
    weights: Weights = "",
    density: Density = 0.5,
    base: Base = "",
    data: Annotated[Path, typer.Option(help="Folder that holds the sources' files.")] = Path(
        "../shared/data"
    ),
    limit: Annotated[int, typer.Option(min=0, help="Only so many validation rows of each set; 0: all.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Score each adapter alone, every way of joining them, and joint training, on validation rows."""
    with needs_models():
        from phyassist.training.interference import (
            Comparison,
            compare_merges,
            parse_ways,
            render_interference,
        )
        from phyassist.training.merge import find_joinable

    joined = find_joinable([*adapters, *([joint] if joint else [])])
    names = list(joined.folders)
    joint_name = names[-1] if joint else ""
    asked = Comparison(
        joined=joined,
        base=find_base_of(context, joined.folders[names[0]], base),
        ways=parse_ways(how, parse_weights(weights), density),
        sets=tuple(name.strip() for name in sets.split(",") if name.strip()),
        data=data,
        out=out,
        joint=joint_name,
        limit=limit,
    )

    def hear(name: str, set_name: str, done: int, of: int) -> None:
        if done % 50 == 0 or done == of:
            tell(f"{name} on {set_name}: {done} of {of}")

    with writes_into(out):
        scores = compare_merges(asked, hear)
    if as_json:
        from dataclasses import asdict

        say_json(
            {name: {key: asdict(score) for key, score in by_set.items()} for name, by_set in scores.items()}
        )
    else:
        alone = [name for name in names if name != joint_name]
        make_console().print(render_interference(scores, alone, joint_name), soft_wrap=True)


@app.command("take")
def take(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(help="ORGANISATION/NAME on the hub, a folder, or one that came with PhyAssist.")
    ],
    revision: Annotated[str, typer.Option(help="Branch, tag or commit; without it, main.")] = "",
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Take a published adapter into the practice: verified, sealed, and used where there is no other."""
    from phyassist.lm.shipped import list_shipped
    from phyassist.services.published_adapters import take_published, take_shipped

    settings = get_run(context).load_settings()
    is_shipped = source in {each.name for each in list_shipped()} and not Path(source).is_dir()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        if is_shipped:
            card = take_shipped(practice.store, practice.by, name=source, limits=settings.limits)
        else:
            manifest, files = pull_files(source, revision, settings.hub_url)
            card = take_published(
                practice.store, practice.by, manifest=manifest, files=files, limits=settings.limits
            )
    say(card.id)
    tell(f"it answers with {card.config[MODEL]}, where there is no assistant of your own")


def pull_files(source: str, revision: str, endpoint: str) -> tuple[Mapping[str, Any], dict[str, bytes]]:
    """The manifest of a bundle and its verified files; nothing of it stays on the disk."""
    with needs_training():
        from phyassist.lm.bundle import list_files
        from phyassist.training.hub import pull_bundle
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "adapter"
        manifest = pull_bundle(source, folder, lambda _: None, revision=revision, endpoint=endpoint)
        return manifest, {name: (folder / name).read_bytes() for name in list_files(folder)}


def find_base_of(context: typer.Context, adapter: Path, base: str) -> str:
    """The folder of an adapter's base: the one named, else where it was trained, else by its name."""
    from phyassist.cli.train import find_base
    from phyassist.training.bases import load_adapter_config, load_base_mark

    if base:
        return find_base(context, base)
    trained_on = str(load_adapter_config(adapter).get("base_model_name_or_path") or "")
    if Path(trained_on).is_dir():
        return trained_on
    return find_base(context, load_base_mark(adapter).name)


def parse_weights(said: str) -> tuple[float, ...]:
    try:
        weights = tuple(float(part) for part in said.split(",") if part.strip())
        if not all(map(math.isfinite, weights)):
            raise ValueError
        return weights
    except ValueError:
        raise BadSetting(f"{said} is no list of weights", hint="--weights 0.5,0.5") from None
