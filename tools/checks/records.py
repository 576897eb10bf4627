"""Decision records: docs/adr/NNNN-title.md, numbered without gaps, one page, the four headings in order."""
import re

HEADINGS = ["## Context", "## Decision", "## Refused", "## How we would know we were wrong"]
LINES_MAX = 60


def check(tree):
    problems, numbers = [], []
    for path, text in sorted(tree.matching(r"^docs/adr/.*\.md$")):
        match = re.fullmatch(r"docs/adr/(\d{4})-[a-z0-9-]+\.md", path)
        if not match:
            problems.append(f"{path}: the name must be NNNN-title.md")
            continue
        numbers.append(int(match.group(1)))
        if not text.startswith(f"# {match.group(1)} "):
            problems.append(f"{path}:1: the title must begin with {match.group(1)}")
        if [line for line in text.split("\n") if line.startswith("## ")] != HEADINGS:
            problems.append(f"{path}: needs exactly the headings {', '.join(HEADINGS)}")
        if text.count("\n") > LINES_MAX:
            problems.append(f"{path}: {text.count(chr(10))} lines, at most {LINES_MAX}")
    if numbers != list(range(1, len(numbers) + 1)):
        problems.append("docs/adr: the numbers must count up from 0001, each once")
    return problems


GOOD = "# 0001 A thing\n" + "".join(f"{heading}\ntext\n" for heading in HEADINGS)
SELF_TEST = [
    ({"docs/adr/0001-a.md": GOOD.replace("## Refused\n", "")}, "exactly the headings"),
    ({"docs/adr/0001-a.md": GOOD + "x\n" * 60}, "at most 60"),
    ({"docs/adr/0002-a.md": GOOD.replace("0001", "0002")}, "count up"),
    ({"docs/adr/note.md": GOOD}, "NNNN-title.md"),
    ({"docs/adr/0001-a.md": GOOD.replace("0001", "0003")}, "must begin with 0001"),
    ({"docs/adr/0001-a.md": GOOD}, None),
]
