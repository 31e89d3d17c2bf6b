"""Plant known mistakes in a copy of the library, one at a time: does a test turn red?

    python verify/plant_bugs.py                    everything; writes planted_bugs.md beside it
    python verify/plant_bugs.py --only NAME        one bug of planted_bugs.toml
    python verify/plant_bugs.py --random 20 --seed 1 --no-list    only random mutations

Whether a suite of tests is good cannot be seen when it is green. So planted_bugs.toml lists
mistakes that one can make here, written down before the tests were; and a random generator, which
has no opinion about what matters, changes operators and numbers of the engine.
"""

import argparse
import ast
import copy
import datetime
import importlib.metadata
import json
import os
import platform
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "verify/planted_bugs.toml"
TABLE = ROOT / "verify/planted_bugs.md"
ENGINE = ("avatarlib/backends/torch", "avatarlib/backends/tensorflow", "avatarlib/training")
HANGS = 600  # seconds after which a run counts as red: a mutated loop need not end

# Which tests could notice, the fast ones first; pytest stops at the first red.
NOTICE = {
    "avatarlib/backends/torch/losses.py": "losses training_step twins",
    "avatarlib/backends/torch/networks.py": "networks training_step twins",
    "avatarlib/backends/torch/gan.py": "training_step twins",
    "avatarlib/backends/tensorflow/losses.py": "losses training_step twins",
    "avatarlib/backends/tensorflow/networks.py": "networks training_step twins",
    "avatarlib/backends/tensorflow/gan.py": "training_step twins",
    "avatarlib/core/randomness.py": "randomness draws",
    "avatarlib/training/spec.py": "spec training_step draws networks classifier",
    "avatarlib/training/layers.py": "spec networks training_step draws",
    "avatarlib/training/presets.py": "spec networks",
    "avatarlib/training/initial.py": "networks draws training_step",
    "avatarlib/training/draws.py": "draws training_step",
    "avatarlib/data/conditions.py": "spec evaluation",
    "avatarlib/core/pixels.py": "spec networks",
    "avatarlib/training/losses.py": "losses",
    "avatarlib/training/health.py": "losses loop",
    "avatarlib/training/ahead.py": "ahead",
    "avatarlib/training/loop.py": "ahead loop",
    "avatarlib/metrics/frechet.py": "frechet",
    "avatarlib/metrics/kernel.py": "kernel",
    "avatarlib/metrics/inception.py": "inception_score",
    "avatarlib/metrics/checks.py": "metrics",
    "avatarlib/metrics/result.py": "metrics people",
    "avatarlib/metrics/coverage.py": "coverage metrics classifier",
    "avatarlib/metrics/neighbours.py": "neighbours",
    "avatarlib/evaluation/classifier.py": "classifier",
    "avatarlib/backends/torch/classifier.py": "classifier",
    "avatarlib/backends/tensorflow/classifier.py": "classifier",
    "avatarlib/backends/choice.py": "backends",
    "avatarlib/zoo/networks.py": "backends records",
    "avatarlib/evaluation/extractors.py": "extractors",
    "avatarlib/backends/torch/imagenet.py": "extractors",
    "avatarlib/backends/tensorflow/imagenet.py": "extractors",
    "avatarlib/backends/torch/foreign.py": "extractors",
    "avatarlib/evaluation/report.py": "evaluation",
    "avatarlib/evaluation/page.py": "evaluation",
    "avatarlib/cli.py": "cli",
    **{f"avatarlib/theory/{name}.py": "theory" for name in ("value", "divergences", "losses")},
    "avatarlib/theory/dynamics.py": "theory",
    "avatarlib/theory/by_hand.py": "by_hand",
    "avatarlib/evaluation/people/analysis.py": "people",
    "avatarlib/evaluation/people/planning.py": "people",
    "avatarlib/evaluation/people/study.py": "study",
    "avatarlib/evaluation/people/reading.py": "study",
}


def tests_for(file, folder):
    """Names of the test files that may turn red, in order."""
    chosen = [f"tests/test_{word}.py" for word in NOTICE.get(file, "").split()]
    if not chosen:  # files that came later: whatever test mentions them, the shortest first
        stem = Path(file).stem
        tests = sorted((folder / "tests").glob("test_*.py"), key=lambda path: path.stat().st_size)
        chosen = [
            f"tests/{path.name}" for path in tests if re.search(rf"\b{stem}\b", path.read_text())
        ]
    return chosen


def remembered():
    """Bug -> the test that was red in the recorded run: it is asked first, and is mostly enough."""
    if not TABLE.exists():
        return {}
    row = re.compile(r"^\| ([\w-]+) \| \S+ \| red \| (\S+::\S.*) \|$", re.MULTILINE)
    return dict(row.findall(TABLE.read_text(encoding="utf-8").replace("\\|", "|")))


# ----------------------------------------------------------------------------- random mutations

SWAPS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


def mutations(node):
    """Functions that change one node in place, each a small mistake."""
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS:
        yield lambda n: setattr(n, "op", SWAPS[type(n.op)]())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield lambda n: n.ops.__setitem__(0, SWAPS[type(n.ops[0])]())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield lambda n: setattr(n, "value", n.value + 1)
        yield lambda n: setattr(n, "value", n.value - 1)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield None  # dropped by `mutated`, which knows the parent


def mutated(tree, place, which):
    """(the file's new text, the line, what it says now) after one mutation."""
    tree = copy.deepcopy(tree)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    node = list(ast.walk(tree))[place]
    line = node.lineno
    if isinstance(node, ast.UnaryOp):  # drop the `not`
        holder = parents[node]
        for field, value in ast.iter_fields(holder):
            if value is node:
                setattr(holder, field, node.operand)
            elif isinstance(value, list) and node in value:
                value[value.index(node)] = node.operand
    else:
        list(mutations(node))[which](node)
    statement = node
    while statement in parents and not isinstance(statement, ast.stmt):
        statement = parents[statement]
    return ast.unparse(tree), line, ast.unparse(statement).splitlines()[0]


def random_bugs(count, seed):
    """So many mutations of the engine, a function of the seed and of the sources."""
    sites = []
    for folder in ENGINE:
        for path in sorted((ROOT / folder).glob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for place, node in enumerate(ast.walk(tree)):
                for which, _ in enumerate(mutations(node)):
                    sites.append((path, tree, place, which))
    for path, tree, place, which in random.Random(seed).sample(sites, count):
        text, line, now = mutated(tree, place, which)
        file = path.relative_to(ROOT).as_posix()
        yield {"name": f"random: line {line}: `{now}`", "file": file, "text": text}


# -------------------------------------------------------------------------------------- planting


def listed_bugs():
    return tomllib.loads(LIST.read_text(encoding="utf-8"))["bug"]


def planted(bug, original):
    """The file's text with the bug in it."""
    if "text" in bug:
        return bug["text"]
    if original.count(bug["old"]) != 1:
        sys.exit(f"{bug['name']}: `old` occurs {original.count(bug['old'])} times in {bug['file']}")
    return original.replace(bug["old"], bug["new"])


def environment(folder):
    """The copy is imported, nothing stale, and one thread is enough."""
    return os.environ | {
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "AVATARLIB_CACHE": str(folder / "cache"),
    }


def copied(folder):
    """A copy of the library, of its tests and of what these read, which is what Python imports."""
    for name in ("avatarlib", "tests", "verify", "book", "recipes", "benchmarks", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    command = [sys.executable, "-c", "import avatarlib; print(avatarlib.__file__)"]
    for cwd in (folder, "/"):
        done = subprocess.run(
            command, env=environment(folder), cwd=cwd, capture_output=True, text=True, check=True
        )
        if Path(done.stdout.strip()).parents[1].resolve() != folder.resolve():
            sys.exit(f"Python imports {done.stdout.strip()} and not the copy in {folder}.")
    return folder


def _hear_interrupts():
    """A process in the background is born deaf to Ctrl-C, and the tests of the loop press it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Tests:
    """Runs tests in a copy of the library: a process that has imported the frameworks already.

    Each run is a fork of it, so that it begins as new and without waiting for them.
    """

    def __init__(self, folder):
        self.folder = folder
        self._server = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            env=environment(folder),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=_hear_interrupts,
        )

    def run(self, tests, limit=HANGS):
        """(red?, the first red test) of some tests; so many seconds count as red."""
        self._server.stdin.write(json.dumps([tests, limit]) + "\n")
        self._server.stdin.flush()
        code, output = json.loads(self._server.stdout.readline())
        if code is None:
            return True, "hangs"
        if code == 0 or (code == 4 and "::" in tests[0]):  # 4: a remembered test that is no more
            return False, ""
        if code not in (1, 2) and code > 0:  # 2: a test file could not be imported
            sys.exit(f"pytest ended with {code}:\n{output}")
        found = re.findall(r"^(?:FAILED|ERROR) (?:tests/)?(\S+)", output, re.MULTILINE)
        return True, found[0] if found else "not importable" if code > 0 else "crashes"

    def close(self):
        """End the process."""
        self._server.stdin.close()
        self._server.wait()


def serve():
    """Be the process behind `Tests`: read what to run, fork, tell how it ended."""
    import pytest

    with suppress(ImportError):
        import triton  # noqa: F401  before TensorFlow, see avatarlib/backends/triton_first.py
    with suppress(ImportError):
        import tensorflow  # noqa: F401
    with suppress(ImportError):
        import torch  # noqa: F401
    for line in sys.stdin:
        (tests, limit), log = json.loads(line), Path("pytest.log")
        child = os.fork()
        if not child:
            with open(log, "wb") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            sys.stdin = open(os.devnull)
            sys.path.insert(0, os.getcwd())
            code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
            sys.stdout.flush()
            os._exit(code)
        print(json.dumps([_end_of(child, limit), log.read_text(errors="replace")]), flush=True)


def _end_of(child, limit):
    """The exit code of a child, negative for a signal; None if it took too long."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def verdict_on(bug, tests, first):
    """Plant a bug, run what could notice, take it out again: the bug with its verdict."""
    folder = tests.folder
    path = folder / bug["file"]
    original = path.read_text(encoding="utf-8")
    path.write_text(planted(bug, original), encoding="utf-8")
    start = time.monotonic()
    try:
        red = False
        if first and (folder / "tests" / first.partition("::")[0]).exists():
            red, by = tests.run([f"tests/{first}"])
        if not red:
            red, by = tests.run(tests_for(bug["file"], folder))
    finally:
        path.write_text(original, encoding="utf-8")
    seconds = time.monotonic() - start
    verdict = "red" if red else "equal" if bug.get("equal") else "SURVIVED"
    print(f"{verdict:9}{seconds:5.0f} s  {bug['file']}: {bug['name']}  {by}", flush=True)
    return bug | {"verdict": verdict, "by": by, "seconds": seconds}


def play(bugs, copies):
    """Every bug's verdict, in their order; as many at a time as there are copies."""
    free, first = queue.Queue(), remembered()
    for tests in copies:
        free.put(tests)

    def one(bug):
        tests = free.get()
        try:
            return verdict_on(bug, tests, first.get(bug["name"]))
        finally:
            free.put(tests)

    with ThreadPoolExecutor(len(copies)) as pool:
        return list(pool.map(one, bugs))


# ------------------------------------------------------------------------------------- reporting


def table(results, seed):
    """What came out, as a page."""
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("numpy", "torch", "tensorflow", "pytest")
    )
    listed = [r for r in results if "old" in r]
    chance = [r for r in results if "old" not in r]
    lines = [
        "# Planted bugs",
        "",
        f"Written by `python verify/plant_bugs.py` on {datetime.date.today()}; Python "
        f"{platform.python_version()}, {versions}.",
        "",
    ]
    for what, of in (("of the list", listed), (f"made at random (seed {seed})", chance)):
        count = {v: sum(r["verdict"] == v for r in of) for v in ("red", "equal", "SURVIVED")}
        lines.append(
            f"* {len(of)} bugs {what}: {count['red']} found, {count['equal']} that change no "
            f"number, {count['SURVIVED']} survived."
        )
    for of in (listed, chance):
        lines += ["", "| bug | file | verdict | first red test |", "|---|---|---|---|"]
        for r in of:
            name = r["name"].replace("|", "\\|")
            by = r["by"].replace("|", "\\|") or r.get("equal", "")
            lines.append(
                f"| {name} | {r['file'].removeprefix('avatarlib/')} | {r['verdict']} | {by} |"
            )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="the name of one bug")
    parser.add_argument("--random", type=int, default=20, help="how many random mutations")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--no-list", action="store_true", help="random mutations only")
    parser.add_argument("--no-table", action="store_true", help=f"leave {TABLE.name} as it is")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve()
    bugs = [] if options.no_list else listed_bugs()
    if options.only:
        bugs = [bug for bug in bugs if bug["name"] == options.only]
        if not bugs:
            sys.exit(f"{LIST.name} has no bug {options.only}.")
    else:
        bugs += random_bugs(options.random, options.seed)
    with ExitStack() as stack:
        names = [stack.enter_context(tempfile.TemporaryDirectory()) for _ in range(options.jobs)]
        copies = [Tests(copied(Path(name))) for name in names]
        sound = sorted({test for bug in bugs for test in tests_for(bug["file"], ROOT)})
        red, by = copies[0].run(sound, 10 * HANGS)
        if red:
            sys.exit(f"The tests are red without any bug: {by}")
        print(f"Without a bug, all is green: {' '.join(sound)}", flush=True)
        results = play(bugs, copies)
        for tests in copies:
            tests.close()
    if not (options.only or options.no_list or options.no_table):
        TABLE.write_text(table(results, options.seed), encoding="utf-8")
    survivors = [r for r in results if r["verdict"] == "SURVIVED"]
    print(f"{len(survivors)} of {len(results)} survived")
    return len(survivors) > 0


if __name__ == "__main__":
    sys.exit(main())
