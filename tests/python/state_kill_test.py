"""kill -9 at random moments while threads commit to runs, buffered (docs/durability.md, "Runs").

    python tests/python/state_kill_test.py
    WG_KILLS=20 WG_SEED=7 python tests/python/state_kill_test.py

The victim is tests/tools/state_kill_writer.c, whose threads say each acknowledged operation on a pipe. With rings in shared memory nothing that was
acknowledged may be missing after the kill; with rings in the process's own memory a prefix without holes is there. In both cases the state is
one that was: no part of a transaction, no hole, no commit without what it saw. Each victim goes on from where the last was
killed, in either way, and each state is opened twice. Some openings are killed too.
"""
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from kit import ROOT, check, equal, program

KILLS = int(os.environ.get("WG_KILLS", "60"))
SEED = int(os.environ.get("WG_SEED", "20260101"))
KILLS_OF_ONE_STREAM = 8
SHARED = pathlib.Path("/dev/shm")


def victim_program():
    path = pathlib.Path(program()).parent / "tests" / "state_kill_writer"
    if not os.access(path, os.X_OK):
        print(f"{path} is not a program; build it first")
        sys.exit(1)
    return str(path)


def stream(path, rings, random_):
    """Runs one victim for a moment and kills it. Gives the last acknowledged operation of each thread, and how many."""
    victim = subprocess.Popen([victim_program(), "stream", path, rings], cwd=ROOT, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, bufsize=0)
    first = b""
    if random_.random() < 0.8:
        first = victim.stdout.readline()
        deadline = time.monotonic() + random_.random() ** 2 * 0.2
    else:
        deadline = time.monotonic() + random_.random() * 0.02
    os.set_blocking(victim.stdout.fileno(), False)
    out = b""
    while time.monotonic() < deadline:
        out += victim.stdout.read(1 << 20) or b""
    victim.send_signal(signal.SIGKILL)
    os.set_blocking(victim.stdout.fileno(), True)
    rest, err = victim.communicate()
    check(victim.returncode == -signal.SIGKILL, f"the victim ended by itself: {err.decode()}")
    acked, count = {}, 0
    for line in (first + out + rest).decode().splitlines(keepends=True):
        if line.startswith("ack ") and line.endswith("\n"):
            thread, n = map(int, line.split()[1:])
            check(n == acked.get(thread, n - 1) + 1, "acknowledgements out of order")
            acked[thread] = n
            count += 1
    return acked, count


def state(path):
    done = subprocess.run([victim_program(), "check", path], cwd=ROOT, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    check(done.returncode == 0, f"exit {done.returncode}: {done.stderr.decode()}")
    return {int(t): int(n) for t, n in re.findall(r"thread (\d+) (\d+)", done.stdout.decode())}


def killed_opening(path, random_):
    opening = subprocess.Popen([victim_program(), "check", path], cwd=ROOT, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(random_.random() * 0.02)
    opening.send_signal(signal.SIGKILL)
    opening.wait()


def kills(rings, count, scratch, random_):
    done = acknowledged = lost = more = 0
    while done < count:
        path = str(scratch / f"{rings}-{done}")
        for _ in range(min(KILLS_OF_ONE_STREAM, count - done)):
            acked, more_acked = stream(path, rings, random_)
            if random_.random() < 0.3:
                killed_opening(path, random_)
            one, two = state(path), state(path)
            equal(one, two, "two openings differ")
            for thread, n in acked.items():
                found = one.get(thread, 0)
                check(found <= n + 1, f"thread {thread}: {n} acknowledged, {found} found")
                check(rings == "none" or found >= n, f"thread {thread}: {n} acknowledged, only {found} found")
                lost += max(0, n - found)
                more += found > n
            acknowledged += more_acked
            done += 1
        shutil.rmtree(path, ignore_errors=True)
    check(acknowledged > count, f"{acknowledged} operations in {count} kills: the victims did nothing")
    if rings == "none":
        check(lost > 0, "nothing was lost without rings: the other half of this test shows nothing")
    return f"{done} kills, {acknowledged} acknowledged, {lost} lost, {more} found that were in flight"


def main():
    random_ = random.Random(SEED)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="wg-state-kill-"))
    passed = failed = 0
    before = set(SHARED.glob("worldgraph-*")) if SHARED.is_dir() else set()
    modes = ["none"]
    if SHARED.is_dir() and shutil.disk_usage(SHARED).free > 16 << 20:
        modes.append("rings")
    else:
        print("skipped: rings: /dev/shm is absent or full")
    print(f"WG_SEED={SEED} WG_KILLS={KILLS}", flush=True)
    for mode in modes:
        begun = time.monotonic()
        try:
            text = kills(mode, KILLS // len(modes), scratch, random_)
            print(f"ok      {mode}: {text} ({time.monotonic() - begun:.1f} s)", flush=True)
            passed += 1
        except AssertionError as error:
            print(f"FAILED  {mode}: {error}; kept in {scratch}", flush=True)
            failed += 1
    left = set(SHARED.glob("worldgraph-*")) - before if SHARED.is_dir() else set()
    if left and not failed:
        print(f"FAILED  ring files stay: {sorted(map(str, left))[:3]}")
        failed += 1
    if not failed:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
