"""Disturb writers in every way that we know, and look for a damaged file under a final name.

    python verify/writes.py --kills 200

Kills: a process writes avatar sets, networks and texts over older ones, and is ended by SIGKILL at
a random moment, most often inside a write. Containers: two processes, each number 1 of its own
(`unshare --pid`), save and load one file. Threads: four of one process do so. A full disk: a small
one of its own (tmpfs), which a filler leaves less and less room.
"""

import argparse
import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from avatarlib import InputError
from avatarlib.core.arrays import load_arrays, save_arrays
from avatarlib.core.files import append, remove_partial_files, write_text
from avatarlib.data import AvatarSet

SAID = "the disk is full. Nothing was written; make room and retry."
NAMES = ("set.npz", "network.safetensors", "text.json")


def write_all(folder, number):
    """Write a set, a network and a text of a number."""
    images = np.random.default_rng(number).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    AvatarSet(images, options={"number": number}).save(folder / "set.npz")
    weights = np.full(200_000, number, np.float32)
    save_arrays(folder / "network.safetensors", {"w": weights}, {"number": number})
    write_text(folder / "text.json", f"[{number}]" * 50_000)


def damaged(folder):
    """The names of files that are there and are not whole."""
    found = []
    with suppress(FileNotFoundError):
        text = (folder / "text.json").read_text(encoding="utf-8")
        if text != text[: text.index("]") + 1] * 50_000:
            found.append("text.json")
    for name, load in (("set.npz", AvatarSet.load), ("network.safetensors", load_arrays)):
        try:
            if (folder / name).exists():
                load(folder / name)
        except InputError:
            found.append(name)
    return found


def kills(folder, count, seed=0):
    """Kill a writer again and again.

    Returns:
        (kills, those inside a write, names of damaged files, leftovers that were not swept).
    """
    rng, inside, broken = random.Random(seed), 0, []
    for number in range(count):
        child = os.fork()
        if child == 0:
            while True:
                write_all(folder, number)
        while not any(name.endswith(".partial") for name in os.listdir(folder)):
            time.sleep(0.0002)
        time.sleep(rng.uniform(0, 0.04))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        inside += any(name.endswith(".partial") for name in os.listdir(folder))
        remove_partial_files(folder)
        broken += damaged(folder)
    return count, inside, broken, sorted(set(os.listdir(folder)) - set(NAMES))


def beside_another(folder, seconds):
    """Save and load for a while; the saves, and what went wrong."""
    end, saves, problems = time.monotonic() + seconds, 0, []
    while time.monotonic() < end:
        try:
            write_all(folder, os.getpid() + saves)
        except InputError as error:
            problems.append(str(error))
        problems += damaged(folder)
        saves += 1
    return saves, problems


def containers(folder, seconds):
    """Two processes with the number 1, where this system lets us make them."""
    command = [sys.executable, __file__, "--beside", str(folder), str(seconds)]
    if shutil.which("unshare"):
        command = ["unshare", "--pid", "--fork", *command]
    pair = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return [process.communicate()[0].strip() for process in pair]


def threads(folder, seconds):
    """Four threads of one process: [(saves, problems), ...]."""
    found = []
    workers = [
        threading.Thread(target=lambda: found.append(beside_another(folder, seconds)))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return found


def full_disk(folder, mebibytes=12):
    """Fill a small disk while files are written over older ones.

    Returns:
        (attempts, sentences that they ended with, damaged files); None where nobody may mount.
    """
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        return None
    try:
        write_all(folder, 0)
        said, broken, attempts = set(), [], 0
        with open(folder / "filler", "wb", buffering=0) as filler:
            for number in range(1, 400):
                with suppress(OSError):
                    filler.write(b"x" * 40_000)
                for attempt in (write_all, lambda to, n: append(to / "lines", f"{n}\n" * 500)):
                    attempts += 1
                    try:
                        attempt(folder, number)
                    except InputError as error:
                        said.add(str(error).partition(": ")[2])
                broken += damaged(folder)
        lines = (folder / "lines").read_text(encoding="utf-8")
        broken += ["lines"] * (lines.count("\n") % 500 > 0 or not lines.endswith("\n"))
        return attempts, sorted(said), broken
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def main():
    """Print one line for each disturbance; exit with 1 if a file was damaged."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--beside", nargs=2, help="be one of two containers")
    options = parser.parse_args()
    if options.beside:
        folder, seconds = options.beside
        saves, problems = beside_another(Path(folder), float(seconds))
        print(f"process {os.getpid()}: {saves} rounds, problems: {problems or 'none'}")
        return
    bad = False
    with tempfile.TemporaryDirectory() as place:
        places = [Path(place, name) for name in ("kills", "containers", "threads", "full")]
        for folder in places:
            folder.mkdir()
        count, inside, broken, left = kills(places[0], options.kills)
        print(
            f"kills: {count}, inside a write {inside}, damaged {broken or 'none'}, swept {not left}"
        )
        bad |= bool(broken or left)
        for line in containers(places[1], options.seconds):
            print(f"containers: {line}")
            bad |= "problems: none" not in line
        for saves, problems in threads(places[2], options.seconds):
            print(f"threads: {saves} rounds, problems: {problems or 'none'}")
            bad |= bool(problems)
        found = full_disk(places[3])
        if found is None:
            print(f"a full disk: not tried, {os.strerror(errno.EPERM)}")
        else:
            attempts, said, broken = found
            print(f"a full disk: {attempts} attempts, damaged {broken or 'none'}, said {said}")
            bad |= bool(broken) or said != [SAID]
    sys.exit(bad)


if __name__ == "__main__":
    main()
