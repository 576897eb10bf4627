"""Random writes in openCypher against a model of a few lines: creating, linking, changing and deleting, alone and in
transactions that commit or roll back; after every step, and for every state of the past, the graph is that of the model.

    python tests/python/random_writes_test.py
    WG_SEED=7 WG_STEPS=2000 python tests/python/random_writes_test.py
"""
import copy
import json
import os
import random
import subprocess
import sys

from kit import Suite, Workspace, check, equal, program

SEED = int(os.environ.get("WG_SEED", "20260101"))
STEPS = int(os.environ.get("WG_STEPS", "400"))
STATE = ("MATCH (n:N) RETURN n.k, n.v, n.s ORDER BY n.k; "
         "MATCH (a:N)-[r:R]->(b:N) RETURN a.k, b.k, r.w AS w ORDER BY a.k, b.k, w")


class Model:
    def __init__(self):
        self.nodes, self.edges = {}, []  # key -> [v, s]; [from, to, w]

    def answers(self):
        far = float("inf")
        return [[[k, *self.nodes[k]] for k in sorted(self.nodes)],
                sorted(self.edges, key=lambda e: (e[0], e[1], far if e[2] is None else e[2]))]


def step(r, m):
    """One statement, and what it does to the model. Gives (text, whether it must fail)."""
    a, b, c = r.randrange(60), r.randrange(60), r.randrange(-5, 6)
    low, high = sorted((a, b))
    inside = [k for k in m.nodes if low <= k < high]
    linked = {k for e in m.edges for k in e[:2]}
    kind = r.randrange(11)
    if kind <= 1:
        fails = a in m.nodes
        if not fails:
            m.nodes[a] = [c, f"s{a}"]
        return f"CREATE (:N {{k: {a}, v: {c}, s: 's{a}'}})", fails
    if kind == 2:
        keys = list(range(low, min(high, low + 8)))
        fails = any(k in m.nodes for k in keys)
        if not fails:
            m.nodes.update({k: [k * 2, None] for k in keys})
        return f"UNWIND range({low}, {min(high, low + 8) - 1}) AS i CREATE (:N {{k: i, v: i * 2}})", fails
    if kind == 3:
        for k in inside:
            m.nodes[k][0] = None if m.nodes[k][0] is None else m.nodes[k][0] + c
        return f"MATCH (n:N) WHERE n.k >= {low} AND n.k < {high} SET n.v = n.v + {c}", False
    if kind == 4:
        for k in inside:
            m.nodes[k][1] = None
        return f"MATCH (n:N) WHERE {low} <= n.k AND n.k < {high} REMOVE n.s", False
    if kind == 5:
        pairs = [(x, y) for x in inside for y in m.nodes if y == x + 1]
        m.edges += [[x, y, c] for x, y in pairs]
        return (f"MATCH (x:N), (y:N) WHERE y.k = x.k + 1 AND x.k >= {low} AND x.k < {high}"
                f" CREATE (x)-[:R {{w: {c}}}]->(y)"), False
    if kind == 6:
        for e in m.edges:
            if e[0] in inside and e[2] is not None:
                e[2] = e[2] * 2 + m.nodes[e[1]][0] if m.nodes[e[1]][0] is not None else None
        return f"MATCH (x:N)-[r:R]->(y:N) WHERE x.k >= {low} AND x.k < {high} SET r.w = r.w * 2 + y.v", False
    if kind == 7:
        m.edges = [e for e in m.edges if not (e[2] is not None and e[2] > c)]
        return f"MATCH (:N)-[r:R]->(:N) WHERE r.w > {c} DELETE r", False
    if kind == 8:
        gone = set(inside[:4])
        most = max(gone, default=low - 1) + 1
        gone = {k for k in m.nodes if low <= k < most}
        m.nodes = {k: v for k, v in m.nodes.items() if k not in gone}
        m.edges = [e for e in m.edges if e[0] not in gone and e[1] not in gone]
        return f"MATCH (n:N) WHERE n.k >= {low} AND n.k < {most} DETACH DELETE n", False
    if kind == 9:
        fails = a in m.nodes and a in linked
        if not fails:
            m.nodes.pop(a, None)
        return f"MATCH (n:N {{k: {a}}}) DELETE n", fails
    fails = a in m.nodes and b != a and b in m.nodes
    if a in m.nodes and not fails:
        m.nodes[b] = m.nodes.pop(a)
        m.edges = [[b if e[0] == a else e[0], b if e[1] == a else e[1], e[2]] for e in m.edges]
    return f"MATCH (n:N {{k: {a}}}) SET n.k = {b}", fails


class Shell:
    """One long-lived process; answers come back statement by statement."""

    def __init__(self, ws):
        self.process = subprocess.Popen([program(), "shell", ws.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.say(":mode json")

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, text, answers):
        self.say(text + ";")
        lines = [self.process.stdout.readline() for _ in range(answers)]
        check(all(lines), f"the shell ended: {text}: {self.process.stderr.read() if not all(lines) else ''}")
        return [json.loads(line)["rows"] for line in lines]

    def close(self):
        self.process.communicate()
        equal(self.process.returncode, 0)


suite = Suite("random-writes")


@suite.case
def graph_is_the_model_at_every_state(scratch):
    r = random.Random(SEED)
    ws = Workspace(scratch / "ws")
    ws.do("CREATE NODE LABEL N (k INT, v INT, s STRING, PRIMARY KEY (k)); CREATE EDGE LABEL R (FROM N TO N, w INT)")
    model, past, failures = Model(), [], 0
    shell = Shell(ws)
    for number in range(STEPS):
        before = copy.deepcopy(model)
        text, fails = step(r, model)
        if fails:  # the first error ends a piped shell, so errors have a process of their own
            shell.close()
            logseq = ws.logseq()
            ws.fails(text, 1, "WG_E_CONSTRAINT")
            equal(ws.logseq(), logseq, text)
            shell, failures = Shell(ws), failures + 1
        elif r.random() < 0.15:
            shell.ask(f"BEGIN; {text}; ", 2)
            equal(shell.ask(STATE, 2), model.answers(), f"inside a transaction, step {number}: {text}; WG_SEED={SEED}")
            commit = r.random() < 0.5
            shell.ask("COMMIT" if commit else "ROLLBACK", 1)
            model = model if commit else before
        else:
            shell.ask(text, 1)
        equal(shell.ask(STATE, 2), model.answers(), f"step {number}: {text}; WG_SEED={SEED}")
        if number % 10 == 9:
            shell.close()
            past.append((ws.logseq(), copy.deepcopy(model)))
            shell = Shell(ws)
    shell.close()
    for at, then in past:
        got = [answer["rows"] for answer in ws.do(STATE, "--at-snapshot", at)]
        equal(got, then.answers(), f"AS OF {at}; WG_SEED={SEED}")
    equal(ws.verify().rc, 0)
    return f"{STEPS} steps, {failures} refused, {len(past)} states of the past, WG_SEED={SEED}"


if __name__ == "__main__":
    sys.exit(suite.run())
