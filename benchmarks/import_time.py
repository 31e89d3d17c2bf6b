"""How long `import avatarlib` takes in a fresh process, beside `import numpy`.

python benchmarks/import_time.py
"""

import os
import platform
import statistics
import subprocess
import sys

RUNS = 9
MODULES = ("numpy", "avatarlib")
TIMED = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def main():
    durations = {name: [] for name in MODULES}
    for run in range(RUNS + 1):  # the first run only fills the disk's cache
        for name in MODULES:
            command = [sys.executable, "-c", TIMED.format(name)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            if run:
                durations[name].append(float(done.stdout))

    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {RUNS} fresh processes\n")
    print(f"{'':20}{'median s':>10}{'least s':>10}{'most s':>10}")
    for name, seen in durations.items():
        middle = statistics.median(seen)
        print(f"{'import ' + name:20}{middle:>10.3f}{min(seen):>10.3f}{max(seen):>10.3f}")
    print("\nAim: import avatarlib below 0.5 s.")


if __name__ == "__main__":
    main()
