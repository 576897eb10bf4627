"""One COPY statement loads a file several times as large as the memory budget (twice unless WG_LOAD_FACTOR says otherwise; eight times takes
minutes), in transactions of a few thousand rows, and the process never has
more memory than the budget; as one transaction it is refused, and the refusal names a number of rows. The system is the judge: VmRSS of
/proc/<pid>/status is read from outside all the time, and the kernel's own high-water mark is asked for when the process has ended.

    python tests/python/load_budget_test.py
    WG_BUDGET_MIB=96 WG_LOAD_ROWS=5000 WG_LOAD_FACTOR=2 python tests/python/load_budget_test.py
"""
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

from kit import check, program

BUDGET_MIB = int(os.environ.get("WG_BUDGET_MIB", "64"))
PART_ROWS = int(os.environ.get("WG_LOAD_ROWS", "2000"))
ROW_BYTES = 256
FACTOR = int(os.environ.get("WG_LOAD_FACTOR", "2"))
ROWS = BUDGET_MIB * FACTOR * 1048576 // ROW_BYTES + 500
LABEL = "CREATE NODE LABEL Note (k INT, n INT, text STRING, PRIMARY KEY (k))"


def query(workspace, text, *options):
    return subprocess.run([program(), "query", str(workspace), text, "--csv", *options], capture_output=True, text=True,
                          check=False)


def write_rows(path):
    letters = random.Random(7).choices("abcdefghijklmnopqrstuvwxyz", k=1 << 20)
    texts = "".join(letters)
    with open(path, "w", encoding="ascii") as file:
        file.write("k,n,text\n")
        for row in range(ROWS):
            at = row * 7919 % (len(texts) - ROW_BYTES)
            file.write(f"{row},1,{texts[at:at + ROW_BYTES]}\n")


def watch(process, seen):
    """VmRSS in bytes, as often as it can be read; the kernel counts it in batches, so the mark at the end may be higher."""
    while process.returncode is None:
        try:
            text = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        except OSError:
            return
        found = re.search(r"^VmRSS:\s+(\d+) kB", text, re.MULTILINE)
        seen.append(int(found.group(1)) * 1024 if found else 0)
        time.sleep(0.002)


def load(workspace, path):
    """What the load answered, and the most memory that it had."""
    copy = f"COPY Note FROM '{path}' (COMMIT EVERY {PART_ROWS} ROWS)"
    seen = []
    with subprocess.Popen([program(), "query", str(workspace), copy, "--csv", "--memory", f"{BUDGET_MIB}M"], text=True,
                          stdout=subprocess.PIPE) as process:
        watcher = threading.Thread(target=watch, args=(process, seen), daemon=True)
        watcher.start()
        answer = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    watcher.join()
    check(process.returncode == 0, f"the load ended with {process.returncode}")
    return answer, max(max(seen), usage.ru_maxrss * 1024), len(seen)


def main():
    if not pathlib.Path("/proc/self/status").exists():
        print("skipped: the system does not say how much memory a process has")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="worldgraph-load-", dir=os.environ.get("WG_TMP")) as directory:
        workspace, path = pathlib.Path(directory) / "ws", pathlib.Path(directory) / "rows.csv"
        write_rows(path)
        check(path.stat().st_size >= FACTOR * BUDGET_MIB * 1048576, "the file is smaller than was meant")
        subprocess.run([program(), "ws", "init", str(workspace)], check=True, stdout=subprocess.DEVNULL)
        check(query(workspace, LABEL).returncode == 0, "the label could not be made")
        whole = query(workspace, f"COPY Note FROM '{path}'", "--memory", f"{BUDGET_MIB}M")
        check(whole.returncode != 0 and "WG_E_CAPACITY" in whole.stderr, f"one transaction: {whole.stderr!r}")
        check(re.search(r"try COMMIT EVERY \d+ ROWS", whole.stderr) is not None, f"no advice: {whole.stderr!r}")
        started = time.monotonic()
        answer, most, samples = load(workspace, path)
        print(f"{ROWS} rows in {time.monotonic() - started:.1f} s, budget {BUDGET_MIB} MiB, {samples} samples, most "
              f"{most / 1048576:.1f} MiB")
        check(answer.split() == ["rows,commits", f"{ROWS},{-(-ROWS // PART_ROWS)}"], f"answer {answer!r}")
        counted = query(workspace, "MATCH (n:Note) RETURN count(*), sum(n.k), sum(size(n.text))")
        check(counted.stdout.split()[-1] == f"{ROWS},{ROWS * (ROWS - 1) // 2},{ROWS * ROW_BYTES}", counted.stdout)
        check(most <= BUDGET_MIB * 1048576, f"the process had {most} bytes")


main()
