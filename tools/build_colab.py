"""Make the Colab edition, colab/, from the book: `make colab`, or `python tools/build_colab.py`.

It takes numbers and captions from the executed book, so it runs notebooks that are not in the
cache first. Twice made, it has the same bytes.
"""

import os
import shutil
import subprocess
import sys

from build_book import DEFAULTS, ROOT, drop_stale_cache, execute, notebooks

EDITION, MADE = ROOT / "colab", ROOT / "_build/colab"


def main():
    """Execute what is not in the cache, then write the notebooks anew."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    shutil.rmtree(MADE, ignore_errors=True)
    drop_stale_cache()
    failed = execute(notebooks(), 2)
    if failed:
        sys.exit(f"The Colab edition was not made: {', '.join(failed)} failed; see above.")
    # Jupyter Book builds into a folder of its own; the cache of outputs is the book's.
    command = "from jupyter_book.cli.main import main; main()"
    options = ["build", str(ROOT), "--builder", "custom", "--custom-builder", "colab", "-W"]
    if subprocess.run([sys.executable, "-c", command, *options], cwd=ROOT).returncode:
        sys.exit("The Colab edition was not made; see above.")
    shutil.rmtree(EDITION, ignore_errors=True)
    for path in sorted(MADE.rglob("*.ipynb")):
        target = EDITION / path.relative_to(MADE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


if __name__ == "__main__":
    main()
