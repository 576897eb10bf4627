"""Every module (a folder below src/ with C files) says what it is and is tested.

README.md of at most 80 lines with the seven headings in order and at least one numbered invariant; a *_test.c beside
the source when there is any; every file opens with prose.
"""
from checks.checklib import modules

HEADINGS = ["## Owns", "## Does not own", "## On disk", "## Invariants", "## Threads and lock ranks", "## Failure behaviour",
            "## Files, in reading order"]


def check(tree):
    problems = []
    for folder, files in sorted(modules(tree).items()):
        readme = tree.files.get(f"{folder}/README.md")
        if readme is None:
            problems.append(f"{folder}: no README.md")
        else:
            lines = readme.split("\n")
            if [line.rstrip() for line in lines if line.startswith("## ")] != HEADINGS:
                problems.append(f"{folder}/README.md: needs exactly the headings {', '.join(HEADINGS)}")
            if len(lines) > 81:
                problems.append(f"{folder}/README.md: {len(lines) - 1} lines, at most 80")
            if "I1" not in readme:
                problems.append(f"{folder}/README.md: invariants are numbered I1, I2, ...")
        sources = [path for path in files if path.endswith(".c") and not path.endswith(("_test.c", "_fuzz.c"))]
        if sources and not any(path.endswith("_test.c") for path in files):
            problems.append(f"{folder}: no *_test.c beside the source")
    for path, text in tree.matching(r"^(src|cli|tests|bench|examples)/.*\.[ch]$"):
        if not text.startswith("/*"):
            problems.append(f"{path}:1: a file opens with a comment that says what it is")
    return problems


GOOD = "# a\n" + "".join(f"{heading}\nI1 text\n" for heading in HEADINGS)
SOURCE = "/* a: something. */\nint a;\n"
SELF_TEST = [
    ({"src/a/a.c": SOURCE, "src/a/a_test.c": SOURCE}, "no README.md"),
    ({"src/a/a.c": SOURCE, "src/a/README.md": GOOD}, "no *_test.c"),
    ({"src/a/a.h": SOURCE, "src/a/README.md": GOOD.replace("## Owns\n", "")}, "exactly the headings"),
    ({"src/a/a.h": SOURCE, "src/a/README.md": GOOD + "x\n" * 80}, "at most 80"),
    ({"src/a/a.h": SOURCE, "src/a/README.md": GOOD.replace("I1", "")}, "numbered"),
    ({"src/a/a.h": "int a;\n", "src/a/README.md": GOOD}, "opens with a comment"),
    ({"src/a/a.c": SOURCE, "src/a/a_test.c": SOURCE, "src/a/README.md": GOOD}, None),
]
