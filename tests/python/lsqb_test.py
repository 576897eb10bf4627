"""The nine LSQB queries over the benchmark's smallest data set, loaded with COPY: the counts are those that DuckDB gives for the same questions in
SQL over the same files; with the optimiser and without, on one thread and on three.

    python tests/python/lsqb_test.py
"""
import pathlib
import sys

from kit import ROOT, Suite, Workspace, check, equal, need_duckdb, skip

sys.path.insert(0, str(ROOT / "bench" / "lsqb"))
import lsqb  # noqa: E402

LSQB = pathlib.Path("../shared/lsqb")
if not (ROOT / LSQB / "cypher" / "q1.cypher").exists():
    skip("../shared/lsqb is absent")
duckdb, _ = need_duckdb()
DATA = LSQB / "data" / "social-network-sf0.003-projected-fk"


def prepare(folder):
    ws = Workspace(folder / "ws")
    ws.do(";\n".join(lsqb.statements(DATA)))
    duck = duckdb.connect()
    lsqb.duck_load(duck, ROOT / DATA)
    return ws, duck


suite = Suite("lsqb", prepare)


@suite.case
def every_line_is_loaded(ws, duck):
    for node in lsqb.NODES:
        equal(ws.value(f"MATCH (n:{node}) RETURN count(*)"), duck.sql(f"SELECT count(*) FROM {node}").fetchall()[0][0], node)
    kinds = {}
    for file, (kind, _, _) in lsqb.EDGES.items():
        kinds[kind] = kinds.get(kind, 0) + duck.sql(f"SELECT count(*) FROM {file}").fetchall()[0][0]
    for kind, count in kinds.items():
        equal(ws.value(f"MATCH ()-[e:{kind}]->() RETURN count(e)"), count, kind)


def ask(number, *options):
    def case(ws, duck):
        wanted = duck.sql(lsqb.SQL[number]).fetchall()[0][0]
        got = ws.value(lsqb.questions(ROOT / LSQB / "cypher")[number], *options)
        equal(got, wanted, f"q{number} {options}")

    case.__name__ = f"q{number}_is_right_{'_'.join(options).replace('-', '')}".rstrip("_")
    return case


for n in range(1, 10):
    suite.case(ask(n))
    suite.case(ask(n, "--threads", "3", "--morsel", "7"))
    suite.case(ask(n, "--optimizer", "off"))


@suite.case
def the_questions_have_answers(_ws, duck):
    answers = [duck.sql(sql).fetchall()[0][0] for sql in lsqb.SQL.values()]
    check(sum(answer > 0 for answer in answers) >= 8, f"questions without an answer test nothing: {answers}")


sys.exit(suite.run())
