"""Patterns that no file may hold (tools/forbidden.txt: a regular expression, then ' :: ', then why)."""
import re

from checks.checklib import entries

LIST = "tools/forbidden.txt"


def check(tree):
    problems, rules = [], []
    for number, line in entries(tree, LIST):
        pattern, separator, why = line.partition(" :: ")
        if not separator:
            problems.append(f"{LIST}:{number}: needs 'pattern :: why'")
            continue
        rules.append((re.compile(pattern), why))
    if not rules:
        return problems + [f"{LIST}: missing or empty"]
    for path, text in tree.files.items():
        if path == LIST or path.startswith("tools/checks/"):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            problems.extend(f"{path}:{number}: '{match.group(0)}': {why}" for pattern, why in rules
                            if (match := pattern.search(line)))
    return problems


RULES = {LIST: r"\bTODO\b(?! #\d) :: needs an issue number" + "\n" + r"(?<![\w.])/home/\w :: a path of one machine" + "\n"}
SELF_TEST = [
    ({**RULES, "src/a/a.c": "/* TODO later */\n"}, "needs an issue number"),
    ({**RULES, "docs/a.md": "see /home/ann/x\n"}, "a path of one machine"),
    ({}, "missing or empty"),
    ({LIST: "broken\n"}, "needs 'pattern"),
    ({**RULES, "src/a/a.c": "/* TODO #12: later; x/home/a */\n"}, None),
]
