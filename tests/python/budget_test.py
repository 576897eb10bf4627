"""A database eight times as large as its memory budget is loaded, scanned, changed, merged and opened again, and the process never has
more memory than the budget. The system is the judge: /proc/<pid>/status is read from outside, VmRSS all the time and VmHWM, the
kernel's own high-water mark, at the end of each step.

    python tests/python/budget_test.py
    WG_BUDGET_MIB=128 python tests/python/budget_test.py
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

from kit import ROOT, check, program

BUDGET_MIB = int(os.environ.get("WG_BUDGET_MIB", "64"))
ROW_BYTES = 256
ROWS = int(os.environ.get("WG_BUDGET_ROWS", str(BUDGET_MIB * 8 * 1048576 // ROW_BYTES + 500)))
STEPS = ["load", "scan", "update", "snapshot", "compact", "reopen"]


def subject():
    path = pathlib.Path(program()).parent / "tests" / "budget_writer"
    if not os.access(path, os.X_OK):
        print(f"{path} is not a program; build it first")
        sys.exit(1)
    return str(path)


def memory(pid, field):
    """A field of /proc/<pid>/status in bytes; 0 when the process is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


class Watcher(threading.Thread):
    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.samples, self.stop = pid, 0, 0, False

    def run(self):
        while not self.stop:
            self.most = max(self.most, memory(self.pid, "VmRSS"))
            self.samples += 1
            time.sleep(0.002)


def main():
    if not pathlib.Path("/proc/self/status").exists():
        print("skipped: the system does not say how much memory a process has")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="worldgraph-budget-", dir=os.environ.get("WG_TMP")) as directory:
        workspace = pathlib.Path(directory) / "ws"
        process = subprocess.Popen([subject(), str(workspace), str(BUDGET_MIB), str(ROWS)], cwd=ROOT, text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        watcher = Watcher(process.pid)
        watcher.start()
        marks = []
        for step in STEPS:
            started = time.monotonic()
            line = process.stdout.readline().strip()
            check(line == step, f"the subject stopped before '{step}' ended: {line!r}, status {process.poll()}")
            high = memory(process.pid, "VmHWM")
            marks.append((step, high))
            print(f"{step}: VmHWM {high / 1048576:.1f} MiB after {time.monotonic() - started:.1f} s")
            if step == "compact":
                stored = sum(f.stat().st_size for f in workspace.rglob("*") if f.is_file())
            process.stdin.write("\n")
            process.stdin.flush()
        watcher.stop = True
        check(process.wait() == 0, f"the subject ended with {process.returncode}")
        print(f"workspace {stored / 1048576:.0f} MiB, budget {BUDGET_MIB} MiB, "
              f"{watcher.samples} samples of VmRSS, most {watcher.most / 1048576:.1f} MiB")
        check(stored >= 8 * BUDGET_MIB * 1048576 or "WG_BUDGET_ROWS" in os.environ,
              "the workspace is not eight times as large as the budget")
        for step, high in marks:
            check(high <= BUDGET_MIB * 1048576, f"VmHWM was {high} bytes at the end of '{step}'")


main()
