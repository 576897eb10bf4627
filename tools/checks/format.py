"""Every C file is as clang-format (version 14, .clang-format) writes it; and plain text: no tabs, no CR, no trailing blanks."""
import re
import shutil
import subprocess

from checks.checklib import Skip

TEXT = r"\.(c|h|md|txt|py|sh|cmake|json|in)$|^(dev|tools/check)$"
STYLE = {".clang-format": "BasedOnStyle: Google\nIndentWidth: 4\n"}


def check(tree):
    problems = []
    for path, text in tree.matching(TEXT):
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                problems.append(f"{path}:{number}: blank at the end of the line")
            elif "\t" in line and path.endswith((".c", ".h", ".py", ".sh")):
                problems.append(f"{path}:{number}: tab")
        if text and not text.endswith("\n"):
            problems.append(f"{path}: no newline at the end of the file")
    return problems + formatted(tree)


def formatted(tree):
    files = [path for path, _ in tree.c_files()]
    if not files:
        return []
    program = shutil.which("clang-format-14") or shutil.which("clang-format")
    if program is None:
        raise Skip("clang-format-14 is not installed")
    handle, root = tree.materialise()
    run = subprocess.run([program, "--dry-run", "-Werror", "--ferror-limit=1", *files], cwd=root, capture_output=True, text=True)
    if handle:
        handle.cleanup()
    problems = re.findall(r"^([^\s:]+:\d+):\d+: error: (.*?) \[", run.stderr, re.M)
    if run.returncode and not problems:
        return [f"clang-format failed: {run.stderr.strip()[:300]}"]
    return [f"{place}: {what} (./dev fmt)" for place, what in problems]


SELF_TEST = [
    ({**STYLE, "src/a/a.c": "int   f( void ) {return 1;}\n"}, "src/a/a.c:1: code should be clang-formatted"),
    ({"docs/a.md": "blank \n"}, "blank at the end"),
    ({"docs/a.md": "end"}, "no newline"),
    ({"tools/a.py": "if x:\n\ty\n"}, "tab"),
    ({**STYLE, "src/a/a.c": "int f(void) { return 1; }\n", "docs/a.md": "fine\n"}, None),
]
