"""`bodypix models`: list, fetch, verify, calibrate."""

import json
from pathlib import Path
from typing import Any

import click

from bodypix_ros.cli import calibrate_command
from bodypix_ros.cli.options import Bar, debug_option, json_option, progress_bar, quiet_option, table
from bodypix_ros.errors import DigestError, MissingModelError
from bodypix_ros.models import catalogue, store

_folder = click.Path(file_okay=False, path_type=Path)
_model_dir = click.option("--model-dir", type=_folder, help="Look for model files here first.")


@click.group("models", invoke_without_command=True)
@debug_option
@click.pass_context
def command(ctx: click.Context) -> None:
    """List, fetch and verify the models, and calibrate them for INT8.

    \b
    Examples:
      bodypix models
      bodypix models fetch bodypix-mobilenet-075-s16-q2
      bodypix models calibrate bodypix-resnet50-s16-q2 pictures/
      bodypix models verify
    """  # noqa: D301 - click's mark
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_models)


@command.command("list")
@_model_dir
@json_option
@debug_option
def list_models(model_dir: Path | None = None, as_json: bool = False) -> None:
    """List all models, with size, licence, kind of digest, and where they are.

    The digest is sha256, git (a git blob id: weaker) or none; fetching a file without one needs
    --accept-unverified.
    """
    found = [_describe(model, model_dir) for model in _all()]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    head = ["model", "size", "licence", "digest", "here"]
    rows = [
        [entry["name"], _size(entry["size"]), entry["licence"], entry["digest"], entry["folder"] or "-"]
        for entry in found
    ]
    click.echo(table([head, *rows]))


@command.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--into", type=_folder, help="Model folder to fill.  [default: the user's cache]")
@click.option(
    "--accept-unverified", is_flag=True, help="Take files that nobody here has seen, trusting the server."
)
@click.option("--base-url", help="A mirror laid out like a model folder.")
@quiet_option
@debug_option
def fetch(
    names: tuple[str, ...], into: Path | None, accept_unverified: bool, base_url: str | None, quiet: bool
) -> None:
    """Download models; what is there and intact is kept.

    Files are checked against their digests before they get their names. An interrupted download goes on where
    it stopped.
    """
    for model in [catalogue.any_model(name) for name in names]:
        with progress_bar(None, "B", quiet, unit_scale=True, unit_divisor=1024) as bar:

            def report(path: str, done: int, total: int | None, bar: Bar = bar) -> None:
                if done < bar.n or bar.total != total:  # the next file
                    bar.reset()
                    bar.total = total
                bar.set_description(path.rsplit("/", 1)[-1], refresh=False)
                bar.update(done - bar.n)

            folder = store.fetch(model, into, accept_unverified, report, base_url=base_url)
        click.echo(f"{model.name} is in {folder}")


@command.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@_model_dir
@debug_option
def verify(names: tuple[str, ...], model_dir: Path | None) -> None:
    """Compare models' files with what is published; without NAME all that are here.

    Exit code 1 if any differs, 2 if a named one is not here.
    """
    wanted = [catalogue.any_model(name) for name in names] or _all()
    bad = 0
    for model in wanted:
        try:
            paths = store.find(model, model_dir)
        except MissingModelError:
            if names:
                raise
            continue
        try:
            for file in model.files:
                store.verify(file, paths[file.path])
        except DigestError as error:
            bad += 1
            click.echo(f"bodypix: {model.name}: {error}", err=True)
            continue
        kind = _digest(model)
        click.echo(f"{model.name}: {'nothing to compare with' if kind == 'none' else f'intact ({kind})'}")
    if bad:
        raise SystemExit(1)


command.add_command(calibrate_command.command)


def _all() -> list[catalogue.Model]:
    return [*catalogue.models().values(), *catalogue.details().values()]


def _describe(model: catalogue.Model, model_dir: Path | None) -> dict[str, Any]:
    try:
        path = model.files[0].path
        folder = str(store.find(model, model_dir)[path]).removesuffix(path).rstrip("/\\")
    except MissingModelError:
        folder = ""
    return {
        "name": model.name,
        "size": model.size,
        "licence": model.licence,
        "digest": _digest(model),
        "folder": folder or None,
        "urls": [file.url for file in model.files],
    }


def _digest(model: catalogue.Model) -> str:
    """The weakest kind of digest among the files."""
    kinds = {"sha256" if file.sha256 else "git" if file.git else "none" for file in model.files}
    return next(kind for kind in ("none", "git", "sha256") if kind in kinds)


def _size(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.1f} MB"
