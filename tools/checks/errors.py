"""docs/errors.md: its tables are those of tools/gen_errors and each code has its section with meaning and remedy; the numbers of codes
count up without a gap, no number or status is used twice, and every finer status is raised somewhere."""
import importlib.machinery
import importlib.util
import pathlib
import re

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "gen_errors"
LOADER = importlib.machinery.SourceFileLoader("gen_errors", str(PROGRAM))
gen_errors = importlib.util.module_from_spec(importlib.util.spec_from_loader("gen_errors", LOADER))
LOADER.exec_module(gen_errors)


def sections(page):
    """{code: text} of the headings that are a code."""
    parts = re.split(r"^### `(WG_\w+)`\n", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def check_sections(page, names):
    found, problems = sections(page), []
    for name in names:
        if name not in found:
            problems.append(f"docs/errors.md: no section ### `{name}`")
        elif name != "WG_OK" and "**What to do.**" not in found[name]:
            problems.append(f"docs/errors.md: the section of {name} does not say **What to do.**")
    problems += [f"docs/errors.md: {name} is no code" for name in found if name not in names]
    return problems


def check(tree):
    header = tree.files.get("include/worldgraph.h", "")
    codes, statuses = gen_errors.codes(header), gen_errors.statuses(header)
    if not codes:
        return ["include/worldgraph.h: no WG_CODE_LIST"]
    problems = []
    if [int(number) for _, number, _, _ in codes] != list(range(len(codes))):
        problems.append("include/worldgraph.h: the numbers of WG_CODE_LIST must count up from 0")
    for values in ([status for _, _, status, _ in codes], [status for _, status, _ in statuses]):
        problems += [f"include/worldgraph.h: GQLSTATUS {status} twice" for status in sorted(set(values))
                     if values.count(status) > 1]
    page = tree.files.get("docs/errors.md", "")
    try:
        if page != gen_errors.page(header, page):
            problems.append("docs/errors.md is not what tools/gen_errors writes; run it")
    except ValueError as error:
        return problems + [str(error)]
    source = "".join(text for path, text in tree.files.items() if path.startswith("src/") and path.endswith(".c"))
    problems += [f"include/worldgraph.h: nothing raises {name}" for name, _, _ in statuses
                 if not re.search(rf"\b{name}\b", source)]
    return problems + check_sections(page, [name for name, _, _, _ in codes])


LIST = ('#define WG_CODE_LIST(X) \\\n    X(WG_OK, 0, "00000", "success") \\\n    X(WG_E_IO, 1, "58030", "failed")\n\n'
        '#define WG_STATUS_LIST(X) \\\n    X(WG_S_X, "22012", "division")\n\n')
EMPTY = ("<!-- codes -->\n<!-- end of codes -->\n<!-- statuses -->\n<!-- end of statuses -->\n"
         "### `WG_OK`\n### `WG_E_IO`\n**What to do.** Look.\n")
GOOD = gen_errors.page(LIST, EMPTY)
RAISED = {"src/a.c": "return WG_S_X;\n"}
SELF_TEST = [
    ({"include/worldgraph.h": LIST, "docs/errors.md": EMPTY}, "not what tools/gen_errors writes"),
    ({"include/worldgraph.h": LIST, "docs/errors.md": "old\n"}, "no marks"),
    ({"include/worldgraph.h": LIST.replace("58030", "00000")}, "twice"),
    ({"include/worldgraph.h": LIST.replace("IO, 1", "IO, 2")}, "count up"),
    ({"include/worldgraph.h": LIST, "docs/errors.md": GOOD}, "nothing raises WG_S_X"),
    ({"include/worldgraph.h": LIST, "docs/errors.md": GOOD.replace("What to do", "What")}, "does not say"),
    ({"include/worldgraph.h": LIST, "docs/errors.md": GOOD.replace("### `WG_OK`", "")}, "no section"),
    ({"include/worldgraph.h": LIST, "docs/errors.md": GOOD + "### `WG_E_OLD`\n"}, "is no code"),
    ({}, "no WG_CODE_LIST"),
    ({"include/worldgraph.h": LIST, "docs/errors.md": GOOD, **RAISED}, None),
]
