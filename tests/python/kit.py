"""What the whole-system tests share: the program under test, workspaces, the sample data, and comparison with DuckDB.

A test file makes a `Suite`, adds cases with `@suite.case`, and ends with `sys.exit(suite.run())`. Each case gets what the
suite's `prepare` made once. One line a case; the last line says `N passed, N failed`. The exit code is 0, 1, or 77 when a
peer or the sample data is absent. A word after the program runs only the cases that have it in their name.
"""
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DATA = ROOT.parent / "shared" / "data"
FOOTBALL = "../shared/data/football"
FLIGHTS = "../shared/data/flights"
OPENFLIGHTS = "../shared/data/openflights"


def program():
    """The absolute path of the program; exits 1 when it was not built."""
    path = pathlib.Path(os.environ.get("WORLDGRAPH", ROOT / "build/release/worldgraph")).resolve()
    if not os.access(path, os.X_OK):
        print(f"{path} is not a program; build it first")
        sys.exit(1)
    return str(path)


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def need_data(*parts):
    for part in parts:
        if not (DATA / part).exists():
            skip(f"../shared/data/{part} is absent")


def need_duckdb():
    try:
        import duckdb
        import pyarrow
    except ImportError as error:
        skip(f"{error.name} is not installed")
    return duckdb, pyarrow


class Answer:
    """Exit code, standard output and standard error of one run of the program."""

    def __init__(self, done):
        self.rc, self.out, self.raw_err = done.returncode, done.stdout, done.stderr
        self.err = done.stderr.decode(errors="replace")

    def statements(self):
        return [json.loads(line) for line in self.out.splitlines()]


def run(*arguments, stdin=b"", timeout=300, cwd=ROOT, prefix=(), **environment):
    variables = dict(os.environ, LC_ALL="C.UTF-8", **environment)
    variables.pop("NO_COLOR", None)
    done = subprocess.run([*prefix, program(), *map(str, arguments)], cwd=cwd, input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout, env=variables, check=False)
    if done.returncode < 0:
        raise AssertionError(f"signal {-done.returncode} from {arguments!r}: {done.stderr[-500:]!r}")
    return Answer(done)


class Workspace:
    def __init__(self, path, make=True):
        self.path = str(path)
        if make:
            answer = run("ws", "init", self.path)
            equal(answer.rc, 0, answer.err)

    def run(self, text, *options, **more):
        return run("query", self.path, text, *options, **more)

    def run_file(self, file, *options, **more):
        return run("query", self.path, "--file", file, *options, **more)

    def do(self, text, *options):
        """Every statement's answer as {"columns", "types", "rows"}; it must work."""
        answer = self.run(text, "--json", *options)
        equal(answer.rc, 0, f"{answer.err}\n  {text}")
        return answer.statements()

    def rows(self, text, *options):
        return self.do(text, *options)[-1]["rows"]

    def value(self, text, *options):
        rows = self.rows(text, *options)
        equal([len(row) for row in rows], [1], text)
        return rows[0][0]

    def receipt(self, text, *options):
        """The receipt of the last statement."""
        with tempfile.NamedTemporaryFile(suffix=".receipt") as file:
            self.do(text, "--receipt", file.name, *options)
            lines = pathlib.Path(file.name).read_text(encoding="utf-8").splitlines()
        return json.loads(lines[-1])

    def logseq(self):
        """The number of the newest state."""
        return self.receipt("RETURN 1")["snapshot"]

    def fails(self, text, rc, *words, options=()):
        """The error text of a query that must end with `rc`, name all words, and answer nothing."""
        answer = self.run(text, "--json", *options)
        return failed(answer, rc, *words, about=text[:200])

    def verify(self):
        return run("verify", self.path)


def failed(answer, rc, *words, about=""):
    check(answer.rc == rc, f"exit {answer.rc}, wanted {rc}: {about!r}: {answer.out[:200]!r} {answer.err[:500]!r}")
    check(answer.out == b"", f"an answer came out beside an error: {answer.out[:200]!r}")
    check(answer.err.startswith("worldgraph: "), f"no message: {answer.err!r}")
    for sign in ("Traceback", "Sanitizer", "assert", "WG_E_INTERNAL"):
        check(sign not in answer.err, f"{sign}: {answer.err!r}")
    for word in words:
        check(word in answer.err, f"{word!r} is not in {answer.err!r}")
    return answer.err


def check(condition, why):
    if not condition:
        raise AssertionError(why)


def equal(got, wanted, more=""):
    check(got == wanted, f"got {got!r}, wanted {wanted!r} {more}")


# ---------------------------------------------------------------- comparison


def plain(value):
    """A DuckDB value as the program's JSON gives it."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if type(value).__name__ == "Decimal":
        return int(value) if value == int(value) else float(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return value


def same(got, wanted):
    """Equal, types included; floats up to the order of summation of the peer."""
    if isinstance(wanted, float) and isinstance(got, float):
        return math.isclose(got, wanted, rel_tol=1e-12, abs_tol=1e-12)
    if isinstance(wanted, list) and isinstance(got, list):
        return len(got) == len(wanted) and all(same(a, b) for a, b in zip(got, wanted))
    return type(got) is type(wanted) and got == wanted


def compare(ws, duck, text, sql, *options, ordered=True):
    """The query's rows must be those of DuckDB; `ordered` False compares them as bags. Gives the number of rows."""
    got = ws.rows(text, *options)
    wanted = [plain(row) for row in duck.sql(sql).fetchall()]
    if not ordered:
        got, wanted = (sorted(rows, key=json.dumps) for rows in (got, wanted))
    check(len(got) == len(wanted), f"{len(got)} rows, DuckDB has {len(wanted)}: {text}")
    for number, (mine, theirs) in enumerate(zip(got, wanted)):
        check(same(mine, theirs), f"row {number}: got {mine!r}, DuckDB has {theirs!r}: {text}")
    check(wanted, f"the question has no answer, so it tests nothing: {text}")
    return len(got)


def split_statements(text):
    """Statements of a file: what stands between semicolons at the ends of lines; // comments are left out."""
    text = re.sub(r"^\s*//.*\n", "", text, flags=re.MULTILINE)
    return [part.strip() for part in re.split(r";[ \t]*$", text, flags=re.MULTILINE) if part.strip()]


# ---------------------------------------------------------------- the football session

FOOTBALL_SCHEMA = [
    "CREATE NODE LABEL Player (game STRING, team STRING, name STRING, touches INT, PRIMARY KEY (game, name))",
    "CREATE NODE LABEL Event (seq INT, team STRING, type STRING, subtype STRING, period INT, start_time DOUBLE,"
    " from_player STRING, to_player STRING, start_x DOUBLE, start_y DOUBLE)"
    f" VIRTUAL FROM PARTITION '{FOOTBALL}/events/{{game}}.parquet'",
    "CREATE EDGE LABEL PASSED (FROM Player TO Player, event INT, at DOUBLE)",
    f"COPY Player FROM '{FOOTBALL}/players.csv'",
]
FOOTBALL_LINK = (
    "MATCH (e:Event {type: 'PASS'}), (a:Player {game: e.game, name: e.from_player}),"
    " (b:Player {game: e.game, name: e.to_player})"
    " CREATE (a)-[:PASSED {event: e.seq, at: e.start_time}]->(b)")


def football_duck(duckdb):
    """DuckDB with the tables event, player and passed, built from the same files."""
    duck = duckdb.connect()
    duck.sql("SET threads = 1")
    events = DATA / "football/events/*.parquet"
    duck.sql(rf"CREATE TABLE event AS SELECT * EXCLUDE (filename), regexp_extract(filename, '([^/]+)\.parquet$', 1) AS game"
             f" FROM read_parquet('{events}', filename = true)")
    duck.sql(f"CREATE TABLE player AS SELECT row_number() OVER () AS id, * FROM read_csv('{DATA}/football/players.csv',"
             " header = true)")
    duck.sql("CREATE TABLE passed AS SELECT row_number() OVER () AS id, a.id AS src, b.id AS dst, e.seq AS event,"
             " e.start_time AS tm, e.game AS game, a.name AS a, b.name AS b, a.team AS team FROM event e"
             " JOIN player a ON a.game = e.game AND a.name = e.from_player"
             " JOIN player b ON b.game = e.game AND b.name = e.to_player WHERE e.type = 'PASS'")
    return duck


# ---------------------------------------------------------------- the runner


class Suite:
    def __init__(self, name, prepare=None):
        self.name, self.prepare, self.cases = name, prepare, []

    def case(self, function):
        self.cases.append(function)
        return function

    def run(self):
        word = sys.argv[1] if len(sys.argv) > 1 else ""
        os.chdir(ROOT)
        scratch = pathlib.Path(tempfile.mkdtemp(prefix=f"wg-{self.name}-"))
        passed = bad = 0
        try:
            shared = (scratch,) if self.prepare is None else self.prepare(scratch)
            for function in self.cases:
                if word not in function.__name__:
                    continue
                begun = time.monotonic()
                try:
                    note = function(*shared)
                    passed += 1
                    print(f"ok      {function.__name__} ({time.monotonic() - begun:.2f} s)"
                          + (f" {note}" if isinstance(note, str) else ""), flush=True)
                except (AssertionError, KeyError, IndexError, ValueError, OSError, subprocess.SubprocessError) as error:
                    bad += 1
                    print(f"FAILED  {function.__name__}: {type(error).__name__}: {error}", flush=True)
        except AssertionError as error:
            bad += 1
            print(f"FAILED  preparing {self.name}: {error}")
        finally:
            for folder, _, _ in os.walk(scratch):
                os.chmod(folder, 0o700)
            shutil.rmtree(scratch, ignore_errors=True)
        print(f"{passed} passed, {bad} failed")
        return 0 if passed and not bad else 1
