"""Execute the book's notebooks and build its pages: `make book`, or `python tools/build_book.py`.

Notebooks run two at a time, each on one core, and their outputs are kept in a cache, so that a
second build takes seconds. The book comes to _build/html/index.html; a warning is an error.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build"
CACHE = BUILD / ".jupyter_cache"  # where Jupyter Book looks, too
CELL_TIMEOUT = 600  # seconds

# What a page is computed with, unless the caller's environment says otherwise.
DEFAULTS = {
    "AVATARLIB_BACKEND": "torch",
    "AVATARLIB_TIER": "page",
    # One core for each notebook: two that share both cores would only get in each other's way.
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",  # it reports in capital letters that there is no GPU
}


def main():
    """Execute what is not in the cache, then build; exit with 1 if either goes wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2, help="notebooks that run at a time")
    jobs = parser.parse_args().jobs

    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    drop_stale_cache()
    failed = execute(notebooks(), jobs)
    if failed:
        sys.exit(f"The book was not built: {', '.join(failed)} failed; see above.")
    sys.exit(build_pages())


def notebooks():
    """The notebooks of the table of contents, in its order."""
    files = [ROOT / f"{page}.ipynb" for page in parse_toc_yaml(ROOT / "_toc.yml")]
    return [file for file in files if file.exists()]


def cache_key():
    """One hash of everything, besides its own code, that a page's outputs depend on."""
    key = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for name in ("AVATARLIB_BACKEND", "AVATARLIB_TIER"):
        key.update(f"{name}={os.environ[name]}\n".encode())
    library = sorted(p for p in (ROOT / "avatarlib").rglob("*") if "__pycache__" not in p.parts)
    for path in [ROOT / "constraints.txt", *library]:
        if path.is_file():
            key.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return key.hexdigest()


def drop_stale_cache():
    """Empty the cache if the library, the versions, the backend or the tier changed.

    Jupyter's cache itself compares only the code cells of a page.
    """
    key_file, key = CACHE / "key", cache_key()
    if not key_file.exists() or key_file.read_text() != key:
        shutil.rmtree(CACHE, ignore_errors=True)
        CACHE.mkdir(parents=True)
        key_file.write_text(key)


def execute(paths, jobs):
    """Run the notebooks that are not in the cache; return the names of those that failed."""
    cache = get_cache(CACHE)
    todo = [path for path in paths if not is_cached(cache, path)]
    print(f"Notebooks: {len(paths)}, to execute: {len(todo)}, at a time: {jobs}", flush=True)
    failed = []
    with ProcessPoolExecutor(jobs) as pool:
        running = {pool.submit(execute_one, path): path for path in todo}
        for future in as_completed(running):
            path, (notebook, seconds, error) = running[future], future.result()
            name = path.relative_to(ROOT).as_posix()
            if error:
                failed.append(name)
                print(f"  FAILED {name}\n{error}", flush=True)
            else:
                bundle = CacheBundleIn(notebook, str(path), data={"execution_seconds": seconds})
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
                print(f"  {name}: {seconds:.0f} s", flush=True)
    return failed


def is_cached(cache, path):
    """Whether the cache holds the outputs of this notebook's code as it is now."""
    try:
        cache.match_cache_notebook(nbformat.read(path, 4))
    except KeyError:
        return False
    return True


def execute_one(path):
    """Run one notebook in its folder; return it with its outputs, the seconds, and the error."""
    notebook = nbformat.read(path, 4)
    try:
        result = single_nb_execution(
            notebook,
            cwd=str(path.parent),
            timeout=CELL_TIMEOUT,
            allow_errors=False,
            extra_arguments=["--IPKernelApp.log_level=ERROR"],  # no greeting from each kernel
        )
    except Exception:  # a kernel that died, for instance: this page's failure, not the build's
        return None, 0, traceback.format_exc()
    return result.nb, result.time, result.exc_string


def build_pages():
    """Build the pages anew and return the exit code.

    Anew, because a page that was built with a warning would pass, unread, the second time.
    """
    for folder in ("html", ".doctrees", "jupyter_execute"):
        shutil.rmtree(BUILD / folder, ignore_errors=True)
    # -W: a warning is an error; -n: so is a reference that leads nowhere.
    command = "from jupyter_book.cli.main import main; main()"
    options = ["build", str(ROOT), "-W", "-n", "--keep-going"]
    return subprocess.run([sys.executable, "-c", command, *options], cwd=ROOT).returncode


if __name__ == "__main__":
    main()
