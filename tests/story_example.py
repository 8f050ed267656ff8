"""A copy of examples/story-stream whose model says what a test wants, quickly, whatever models this machine has."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "story-stream"
MODEL = "anthropic.claude-3-5-haiku-20241022-v1:0"
STORY = (
    "Once there was a telephone exchange that never made anybody wait. When a caller asked for a moon, it parked it."
)

Reply = Mapping[str, object]


def story_example(folder: Path, replies: Sequence[Reply] = ({"text": STORY},), token_seconds: float = 0.002) -> Path:
    """The project's folder within `folder`. `replies` as in models.yaml."""
    project = folder / "story-stream"
    shutil.copytree(EXAMPLE, project)
    scripted = {"token_seconds": token_seconds, "first_token_seconds": token_seconds, "replies": replies}
    models = {"backends": {"teller": {"scripted": scripted}}, "models": {MODEL: "teller"}}
    for each in (project, project / "before"):
        (each / "models.yaml").write_text(json.dumps(models))
    return project


def settings_of(project: Path) -> dict[str, str]:
    """Parameters of its template."""
    return {"StoriesFolder": str(project / "stories")}
