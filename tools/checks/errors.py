"""docs/errors.md is what tools/gen_errors writes; numbers count up without a gap and no number or status is used twice."""
import importlib.machinery
import importlib.util
import pathlib

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "gen_errors"
LOADER = importlib.machinery.SourceFileLoader("gen_errors", str(PROGRAM))
gen_errors = importlib.util.module_from_spec(importlib.util.spec_from_loader("gen_errors", LOADER))
LOADER.exec_module(gen_errors)


def check(tree):
    header = tree.files.get("include/worldgraph.h", "")
    codes = gen_errors.codes(header)
    if not codes:
        return ["include/worldgraph.h: no WG_CODE_LIST"]
    problems = []
    if [int(number) for _, number, _, _ in codes] != list(range(len(codes))):
        problems.append("include/worldgraph.h: the numbers of WG_CODE_LIST must count up from 0")
    statuses = [status for _, _, status, _ in codes]
    problems += [f"include/worldgraph.h: GQLSTATUS {status} twice" for status in sorted(set(statuses))
                 if statuses.count(status) > 1]
    if tree.files.get("docs/errors.md") != gen_errors.page(header):
        problems.append("docs/errors.md is not what tools/gen_errors writes; run it")
    return problems


LIST = '#define WG_CODE_LIST(X) \\\n    X(WG_OK, 0, "00000", "success") \\\n    X(WG_E_IO, 1, "58030", "failed")\n\n'
SELF_TEST = [
    ({"include/worldgraph.h": LIST, "docs/errors.md": "old\n"}, "not what tools/gen_errors writes"),
    ({"include/worldgraph.h": LIST.replace("58030", "00000")}, "twice"),
    ({"include/worldgraph.h": LIST.replace("IO, 1", "IO, 2")}, "count up"),
    ({}, "no WG_CODE_LIST"),
    ({"include/worldgraph.h": LIST, "docs/errors.md": gen_errors.page(LIST)}, None),
]
