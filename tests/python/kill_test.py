"""kill -9 at random moments, for real: during the main job and during streams of small commits in both durable modes.

    python tests/python/kill_test.py
    WG_KILLS=20 WG_SEED=7 python tests/python/kill_test.py

The victim is tests/tools/kill_writer.c, which says each acknowledged operation on a pipe. After every kill the log must
verify, the state must be that after exactly the acknowledged operations or one more (the one in flight), and opening it
twice must give the same bytes. Then the next victim goes on from there, so recoveries of recoveries are met too.
The seed decides the moments; what the machine does until then is its own.
"""
import json
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

from kit import DATA, FOOTBALL_LINK, FOOTBALL_SCHEMA, ROOT, check, equal, program, run

KILLS = int(os.environ.get("WG_KILLS", "200"))
SEED = int(os.environ.get("WG_SEED", "20260101"))
KILLS_OF_ONE_STREAM = 8
JOB = [*FOOTBALL_SCHEMA, FOOTBALL_LINK]
JOB_QUESTIONS = [
    "MATCH (p:Player) RETURN p.game, p.name, p.team, p.touches",
    "MATCH (e:Event) RETURN count(*), sum(e.seq)",
    "MATCH (a:Player)-[p:PASSED]->(b:Player) RETURN a.game, a.name, b.name, p.event, p.at",
]


def victim_program():
    path = pathlib.Path(program()).parent / "tests" / "kill_writer"
    if not os.access(path, os.X_OK):
        print(f"{path} is not a program; build it first")
        sys.exit(1)
    return str(path)


class Victim:
    """A running kill_writer. `acks` are (operation, logseq) in order; `opened` whether it got that far."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([victim_program(), *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, bufsize=0)
        self.first = b""

    def wait_for_lines(self, count):
        """The first line says that it is open, each later one is an acknowledgement."""
        for _ in range(count):
            self.first += self.process.stdout.readline()

    def kill(self):
        """Gives whether it was killed rather than done. Everything that it said is read, also what was in the pipe."""
        self.process.send_signal(signal.SIGKILL)
        out, err = self.process.communicate()
        lines = (self.first + out).decode().splitlines(keepends=True)
        check(self.process.returncode in (0, -signal.SIGKILL), f"the victim ended by itself: {err.decode()}")
        lines = [line for line in lines if line.endswith("\n")]  # a line that was cut is no acknowledgement
        self.opened = bool(lines) and lines[0].startswith("open ")
        self.acks = [tuple(map(int, line.split()[1:])) for line in lines if line.startswith("ack ")]
        return self.process.returncode != 0


def verify(path, opened):
    answer = run("verify", path, "--json")
    if answer.rc == 2 and not opened:
        return None  # killed before there was a workspace
    equal(answer.rc, 0, answer.err)
    return json.loads(answer.out)


# ---------------------------------------------------------------- streams of small commits


def check_stream(path, seed, acknowledged):
    done = subprocess.run([victim_program(), "check", path, str(seed), str(acknowledged)], cwd=ROOT, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check(done.returncode == 0, f"exit {done.returncode} after {acknowledged} acknowledged: {done.stderr.decode()}")
    return done.stdout.decode()


def kill_stream(path, mode, seed, at, random_):
    """One kill of the stream at `path`, whose state is that after `at` operations. Gives (state, acknowledged, bytes)."""
    victim = Victim("stream", path, mode, seed, at)
    how = random_.random()
    if how < 0.4:  # by what was acknowledged, so that a slow machine gets as far
        victim.wait_for_lines(2 + random_.randrange(20))
    elif how < 0.8:
        victim.wait_for_lines(1)
        time.sleep(random_.random() ** 2 * 0.1)
    else:
        time.sleep(random_.random() * 0.05)
    check(victim.kill(), "the stream ended by itself")
    before, acknowledged = at, victim.acks[-1][0] if victim.acks else at
    equal([op for op, _ in victim.acks], list(range(before + 1, acknowledged + 1)), "acknowledgements out of order")
    numbers = [logseq for _, logseq in victim.acks]
    check(all(0 <= b - a <= 1 for a, b in zip(numbers, numbers[1:])), f"logseq jumps: {numbers}")
    report = verify(path, victim.opened)
    one, two = check_stream(path, seed, acknowledged), check_stream(path, seed, acknowledged)
    equal(one, two, "two openings differ")
    state, logseq, _, size = map(int, re.match(r"state (\d+) logseq (\d+) rows (\d+) bytes (\d+)", one).groups())
    check(not numbers or numbers[-1] <= logseq <= numbers[-1] + 1, f"acknowledged {numbers[-1:]}, found {logseq}")
    check(report is None or report["last_logseq"] == logseq, f"verify says {report}, opening says {logseq}")
    return state, acknowledged - before, size, state > acknowledged


def streams(kills, scratch, random_):
    done = commits = in_flight = 0
    biggest = 0
    while done < kills:
        mode = random_.choice(["strict", "buffered"])
        seed, at = random_.randrange(10 ** 9), 0
        path = str(scratch / f"stream-{done}")
        for _ in range(min(KILLS_OF_ONE_STREAM, kills - done)):
            at, acknowledged, size, more = kill_stream(path, mode, seed, at, random_)
            done += 1
            commits += acknowledged
            in_flight += more
            biggest = max(biggest, size)
        # The check itself must be able to fail: a commit more or fewer than there is, and it does.
        for wrong in (at + 3, at - 9):
            if wrong > 2:
                result = subprocess.run([victim_program(), "check", path, str(seed), str(wrong)], cwd=ROOT, check=False,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                equal(result.returncode, 3, f"state {at} passes for {wrong}")
        shutil.rmtree(path, ignore_errors=True)
    check(commits > kills, f"{commits} commits in {kills} kills: the victims did nothing")
    return f"{done} kills, {commits} acknowledged commits, {in_flight} found that were in flight, up to {biggest} bytes of text"


# ---------------------------------------------------------------- the main job


def job_state(path):
    """How many statements of the job the workspace holds, and the bytes of every answer about it."""
    answer = run("query", path, "SHOW LABELS", "--json")
    equal(answer.rc, 0, answer.err)
    names = [row[0] for row in answer.statements()[0]["rows"]]
    done = sum(name in names for name in ("Player", "Event", "PASSED"))
    equal(sorted(names), sorted(["Player", "Event", "PASSED"][:done]), "labels out of order")
    text = answer.out
    for question in JOB_QUESTIONS[:done]:
        answer = run("query", path, question, "--json")
        equal(answer.rc, 0, answer.err)
        text += answer.out
        count = len(answer.statements()[0]["rows"])
        if question is JOB_QUESTIONS[0]:
            check(count in (0, 89), f"a part of COPY: {count} rows")
            check(count == 0 or done == 3, "players before their turn")
            done += count == 89 and done == 3
        if question is JOB_QUESTIONS[2]:
            check(count == 0 or count == 2884 and done == 4, f"a part of the edges: {count}")
            done += count == 2884
    return done, text


def job_run(path, scratch, random_, seconds, left):
    """One job from nothing to its end, killed on the way at most `left` times. Gives the kills and the last answers."""
    at = kills = 0
    while at < len(JOB):
        victim = Victim("job", path, *JOB[at:])
        if kills < left:
            time.sleep(random_.random() * seconds * 1.1)
            kills += victim.kill()
        else:
            victim.process.wait()
            check(not victim.kill(), "the job failed")
        acknowledged = at + len(victim.acks)
        if verify(path, victim.opened or at > 0) is None:
            continue
        (at, one), (again, two) = job_state(path), job_state(path)
        check(one == two and at == again, "two openings differ")
        check(acknowledged <= at <= acknowledged + 1, f"{acknowledged} acknowledged, {at} found")
    return kills, one


def jobs(kills, scratch, random_):
    begun = time.monotonic()
    Victim("job", scratch / "timed", *JOB).process.communicate()
    seconds = time.monotonic() - begun
    _, wanted = job_run(str(scratch / "job"), scratch, random_, 0, 0)
    done = finished = 0
    while done < kills:
        path = str(scratch / f"job-{done}-{finished}")
        more, text = job_run(path, scratch, random_, seconds, kills - done)
        check(text == wanted, "a job that was killed on the way has another end")
        done += more
        finished += 1
        shutil.rmtree(path, ignore_errors=True)
        check(finished < 50 + 20 * kills, "the jobs end before they are killed")
    return f"{done} kills, {finished} jobs finished, each with the bytes of the undisturbed one"


def main():
    random_ = random.Random(SEED)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="wg-kill-"))
    passed = failed = 0
    cases = [("streams", streams, KILLS - KILLS // 4)]
    if (DATA / "football/players.csv").exists():
        cases.append(("main job", jobs, KILLS // 4))
    else:
        print("skipped: main job: ../shared/data/football is absent")
    print(f"WG_SEED={SEED} WG_KILLS={KILLS}", flush=True)
    for name, function, kills in cases:
        begun = time.monotonic()
        try:
            print(f"ok      {name}: {function(kills, scratch, random_)} ({time.monotonic() - begun:.1f} s)", flush=True)
            passed += 1
        except AssertionError as error:
            print(f"FAILED  {name}: {error}; kept in {scratch}", flush=True)
            failed += 1
    if not failed:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
