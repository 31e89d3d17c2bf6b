"""How pytest runs the notebooks: quickly, on one core each, and under the right framework."""

import json
import os

# The kernels inherit these; what the caller has set stays.
os.environ.setdefault("AVATARLIB_BACKEND", "torch")
os.environ.setdefault("AVATARLIB_TIER", "check")
for threads in (
    "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
):
    os.environ.setdefault(threads, "1")


def pytest_collection_modifyitems(config, items):
    """Leave out pages that are about the other framework, and what frameworks say on stderr.

    Such a page says so in its metadata: {"avatarlib": {"backends": ["tensorflow"]}}. Warnings differ
    from version to version; what a cell prints is compared all the same.
    """
    for notebook in {i.parent for i in items if i.path.suffix == ".ipynb"}:
        notebook.skip_compare += ("stderr",)
    backend = os.environ["AVATARLIB_BACKEND"]
    paths = {item.path for item in items if item.path.suffix == ".ipynb"}
    left_out = {path for path in paths if backend not in backends_of(path)}
    config.hook.pytest_deselected(
        items=[item for item in items if item.path in left_out]
    )
    items[:] = [item for item in items if item.path not in left_out]


def backends_of(notebook):
    """The backends under which a notebook is to run; both, if it does not say."""
    metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]
    return metadata.get("avatarlib", {}).get(
        "backends", ["torch", "tensorflow"]
    )
