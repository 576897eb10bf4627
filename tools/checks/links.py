"""Links and file names in documents lead somewhere: [text](path), [text](path#heading) and `path/in/backticks`; and so do the
documents that comments in C files name (docs/x.md, ADR 0003)."""
import posixpath
import re

LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`((?:src|docs|tools|tests|bench|cli|examples|include)/[\w./-]+)`")
NAMED = re.compile(r"\bdocs/[\w./-]+\.(?:md|1)\b")
RECORD = re.compile(r"\bADR (\d{4})\b")
HEADING = re.compile(r"^#+\s+(.*?)\s*$", re.M)
FENCE = re.compile(r"^```.*?^```", re.M | re.S)


def anchors(text):
    found = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        slug = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).strip().replace(" ", "-")
        found.add(slug)
    return found


def check(tree):
    problems = []
    for path, text in tree.matching(r"\.md$"):
        folder = posixpath.dirname(path)
        plain = FENCE.sub(lambda match: "\n" * match.group(0).count("\n"), text)
        for match in LINK.finditer(plain):
            line = plain.count("\n", 0, match.start()) + 1
            target, _, anchor = match.group(1).partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            full = posixpath.normpath(posixpath.join(folder, target)) if target else path
            if not tree.exists(full):
                problems.append(f"{path}:{line}: the link {match.group(1)} leads nowhere")
            elif anchor and full in tree.files and anchor not in anchors(tree.files[full]):
                problems.append(f"{path}:{line}: no heading #{anchor} in {full}")
        for match in QUOTED.finditer(plain):
            line = plain.count("\n", 0, match.start()) + 1
            if not tree.exists(match.group(1)) and not tree.exists(posixpath.join(folder, match.group(1))):
                problems.append(f"{path}:{line}: there is no {match.group(1)}")
    records = {path[len("docs/adr/"):][:4] for path, _ in tree.matching(r"^docs/adr/")}
    for path, text in tree.c_files():
        for number, line in enumerate(text.split("\n"), 1):
            problems += [f"{path}:{number}: there is no {name}" for name in NAMED.findall(line) if not tree.exists(name)]
            problems += [f"{path}:{number}: there is no ADR {name}" for name in RECORD.findall(line) if name not in records]
    return problems


SELF_TEST = [
    ({"docs/a.md": "[x](b.md)\n"}, "docs/a.md:1: the link b.md leads nowhere"),
    ({"docs/a.md": "text\n[x](#not-here)\n"}, "no heading #not-here"),
    ({"docs/a.md": "see `tools/none.txt`\n"}, "there is no tools/none.txt"),
    ({"src/a.c": "/* see docs/none.md */\n"}, "src/a.c:1: there is no docs/none.md"),
    ({"src/a.c": "/* see ADR 0009 */\n", "docs/adr/0001-a.md": ""}, "there is no ADR 0009"),
    ({"src/a.h": "/* docs/a.md and ADR 0001. */\n", "docs/a.md": "", "docs/adr/0001-a.md": ""}, None),
    ({"docs/a.md": "# A head, here\n[x](b.md) [y](#a-head-here) [z](../src) https://x.org [w](https://x.org)\n",
      "docs/b.md": "b\n", "src/a.c": "", "src/README.md": "`src/a.c`\n```\n[x](none)\n```\n"}, None),
]
