"""Calls that the project does not make, with what it calls instead, and the few places that may (tools/banned.txt)."""
import fnmatch
import re

from checks.checklib import bare_code, entries


def check(tree):
    problems, rules = [], []
    for number, line in entries(tree, "tools/banned.txt"):
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 3:
            problems.append(f"tools/banned.txt:{number}: needs 'calls | instead | allowed places'")
            continue
        # A call, not a member (x.free(...), x->free(...)) and not a longer name.
        names = re.compile(r"(?<![\w.>])(" + "|".join(map(re.escape, parts[0].split())) + r")\s*\(")
        rules.append((names, parts[1], parts[2].split()))
    if not rules:
        return problems + ["tools/banned.txt: missing or empty"]
    for path, text in tree.c_files():
        code = bare_code(text)
        for names, instead, allowed in rules:
            if any(fnmatch.fnmatch(path, pattern) for pattern in allowed):
                continue
            for match in names.finditer(code):
                line = code.count("\n", 0, match.start()) + 1
                problems.append(f"{path}:{line}: {match.group(1)}() is banned; {instead}")
    return problems


RULES = {"tools/banned.txt": "strcpy sprintf | use wg_buf |\nmalloc free | use wg_alloc | src/base/memory/memory.c tests/*\n"}
SELF_TEST = [
    ({**RULES, "src/a/a.c": "void f(char *a) { strcpy(a, g()); }\n"}, "strcpy() is banned"),
    ({**RULES, "src/a/a.c": "void f(char *a) {\n    free (a);\n}\n"}, "src/a/a.c:2: free() is banned"),
    ({}, "missing or empty"),
    ({**RULES, "src/base/memory/memory.c": "void f(void *a) { free(a); }\n", "tests/x/y.c": "void f(void *a) { free(a); }\n",
      "src/a/a.c": "/* free(a) */ void f(t *a) { a->free(a); wg_free(a); g(\"malloc(1)\"); }\n"}, None),
]
