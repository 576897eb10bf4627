"""Includes go down only. tools/layers.txt has one line a module: its folder, a colon, and what it may include.

An entry is a folder of src/ ("base" covers base/core and all others), "public" for <worldgraph.h>, or "os" for
operating-system headers (tests may use them anywhere). A module may always include its own headers; another module's `_internal.h` never.
Every folder with C files must be covered by a line: the longest matching one counts.
"""
import re

from checks.checklib import entries

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
OS_HEADERS = re.compile(
    r"^(unistd|fcntl|pthread|threads|time|signal|dirent|poll|sched|termios|glob|ftw|spawn|semaphore|syslog|pwd|grp|dlfcn"
    r"|netdb|aio|liburing|windows)\.h$|^(sys|linux|netinet|arpa|mach|asm)/")


def rules_of(tree):
    rules = {}
    for number, line in entries(tree, "tools/layers.txt"):
        folder, _, allowed = line.partition(":")
        rules[folder.strip()] = (number, allowed.split())
    return rules


def folder_of(path):
    folder = path.rsplit("/", 1)[0]
    return folder[4:] if folder.startswith("src/") else folder


def covers(entry, folder):
    return folder == entry or folder.startswith(entry + "/")


def rule_for(rules, folder):
    matching = [name for name in rules if covers(name, folder)]
    return max(matching, key=len) if matching else None


def check(tree):
    rules, problems, used = rules_of(tree), [], set()
    if not rules:
        return ["tools/layers.txt: missing or empty"]
    for path, text in tree.matching(r"^(src|cli|examples|bench|tests)/.*\.[ch]$"):
        folder = folder_of(path)
        name = rule_for(rules, folder)
        if name is None:
            problems.append(f"{path}:1: folder {folder} has no line in tools/layers.txt")
            continue
        used.add(name)
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            problem = judge(path, folder, rules[name][1], match.group(1), match.group(2))
            if problem:
                problems.append(f"{path}:{line}: {problem}")
    return problems


def judge(path, folder, allowed, bracket, header):
    is_test = path.endswith(("_test.c", "_fuzz.c"))
    if header == "worldgraph.h":
        return None if "public" in allowed else f"{folder} may not include the public header"
    if bracket == "<":
        if OS_HEADERS.search(header) and "os" not in allowed and not is_test:
            return f"{folder} may not include <{header}>: calls to the system belong to io/platform"
        return None
    target = header.rsplit("/", 1)[0] if "/" in header else folder
    if target == folder or target.split("/")[0] == folder.split("/")[0] == "base":
        return None
    if header.endswith("_internal.h") and not is_test:
        return f"{header} is internal to its module"
    if any(covers(entry, target) for entry in allowed):
        return None
    return f"{folder} may not include {header} (tools/layers.txt)"


LAYERS = {"tools/layers.txt": "base: public\nio/platform: base os\nio: base io/platform\nquery: base\ncli: public os\n"}
SELF_TEST = [
    ({**LAYERS, "src/base/core/a.c": '#include "io/platform/platform.h"\n'}, "base/core may not include io/platform"),
    ({**LAYERS, "src/io/wal/a.c": '#include "io/cache/cache.h"\n'}, "may not include io/cache"),
    ({**LAYERS, "src/query/a.c": "#include <pthread.h>\n"}, "calls to the system"),
    ({**LAYERS, "src/io/wal/a.c": '#include "base/core/core_internal.h"\n'}, "internal to its module"),
    ({**LAYERS, "src/novel/a.c": "int a;\n"}, "has no line"),
    ({**LAYERS, "cli/main.c": '#include "base/core/core.h"\n'}, "cli may not include base"),
    ({}, "missing or empty"),
    ({**LAYERS, "src/io/wal/a.c": '#include "io/wal/wal.h"\n#include "io/platform/platform.h"\n#include <stdio.h>\n',
      "src/query/a_test.c": "#include <pthread.h>\n", "src/io/platform/p.c": "#include <unistd.h>\n", "src/base/core/a.c": '#include "base/memory/memory.h"\n'}, None),
]
