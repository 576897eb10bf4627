"""Files of at most 1,000 lines, headers of at most 300; functions of at most 70 lines and 6 parameters
(the error and out parameters, named err, out or out_..., come on top).

A function is what clang-format makes of it: a definition that starts in column 0 and ends with a brace in column 0.
The few that must be longer carry the comment `/* long: why */` in their body and a line "path function why" in
tools/long_functions.txt; one with more parameters needs the line alone. A line there that no function needs is a problem too, so the list only shrinks.
"""
import re

from checks.checklib import bare_code, entries

FILE_LINES_MAX, HEADER_LINES_MAX, FUNCTION_LINES_MAX, PARAMETERS_MAX = 1000, 300, 70, 6
EXEMPT_HEADERS = {"include/worldgraph.h"}
NAME = re.compile(r"([A-Za-z_]\w*)\s*\(")


def functions(text):
    """Yields (first line, last line, name, parameter count) of each function definition."""
    code = bare_code(text).split("\n")
    start = None
    head = ""
    for number, line in enumerate(code, 1):
        if start is None:
            if re.match(r"[A-Za-z_]", line):
                start, head = number, line
            else:
                continue
        elif not head.endswith("{"):
            head += " " + line.strip()
        head = head.rstrip()
        if head.endswith("{"):
            if line.startswith("}"):
                yield from described(start, number, head)
                start = None
        elif head.endswith((";", "}", ":")):
            if head.endswith("}"):
                yield from described(start, number, head)
            start = None


def described(first, last, head):
    signature = head.split("{", 1)[0]
    if "=" in signature or re.match(r"(typedef\s+)?(struct|union|enum)\b[^(]*$", signature):
        return
    match = NAME.search(re.sub(r"__attribute__\s*\(\(.*?\)\)", "", signature))
    if match:
        yield first, last, match.group(1), parameters(signature[signature.find("("):])


def parameters(text):
    """Number of parameters of "(...)" besides the error and the out parameters."""
    depth, parts = 0, [""]
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            break
        if character == "," and depth == 1:
            parts.append("")
        else:
            parts[-1] += character
    names = [re.sub(r"\[.*", "", part).strip() for part in parts]
    return sum(not re.search(r"\*\s*(err|out|out_\w+)$", name) for name in names)


def check(tree):
    problems, excepted, used = [], {}, set()
    for number, line in entries(tree, "tools/long_functions.txt"):
        parts = line.split(None, 2)
        if len(parts) < 3:
            problems.append(f"tools/long_functions.txt:{number}: needs path, function and reason")
            continue
        excepted[(parts[0], parts[1])] = number
    for path, text in tree.c_files():
        lines = text.count("\n")
        most = HEADER_LINES_MAX if path.endswith(".h") else FILE_LINES_MAX
        if lines > most and path not in EXEMPT_HEADERS:
            problems.append(f"{path}:1: {lines} lines, at most {most}")
        body = text.split("\n")
        for first, last, name, count in functions(text):
            if count > PARAMETERS_MAX and (path, name) in excepted:
                used.add((path, name))
            elif count > PARAMETERS_MAX:
                problems.append(f"{path}:{first}: {name} has {count} parameters, at most {PARAMETERS_MAX}")
            if last - first + 1 <= FUNCTION_LINES_MAX:
                continue
            if (path, name) in excepted and "/* long:" in "\n".join(body[first - 1:last]):
                used.add((path, name))
                continue
            problems.append(f"{path}:{first}: {name} has {last - first + 1} lines, at most {FUNCTION_LINES_MAX}")
    for key in excepted.keys() - used:
        problems.append(f"tools/long_functions.txt:{excepted[key]}: {key[1]} needs no exception any more, or is not marked")
    return problems


LONG = "static int f(int a) {\n" + "    a++;\n" * 80 + "    return a;\n}\n"
MARKED = LONG.replace("{\n", "{\n    /* long: one switch */\n", 1)
LIST = {"tools/long_functions.txt": "src/a/a.c f one switch over all kinds\n"}
SELF_TEST = [
    ({"src/a/a.c": LONG}, "f has 83 lines"),
    ({"src/a/a.c": "int f(int a,\n      int b) {\n" + "    a++;\n" * 80 + "}\n"}, "f has 83 lines"),
    ({"src/a/a.c": MARKED}, "f has 84 lines"),
    ({"src/a/a.c": LONG, **LIST}, "f has 83 lines"),
    ({"src/a/a.c": "int f(void) { return 1; }\n", **LIST}, "needs no exception"),
    ({"src/a/a.c": "int f(int a, int b, int c, int d, int e, int g, int h) { return a; }\n"}, "7 parameters"),
    ({"src/a/a.c": "int f(int a, int b, int c, int d, int e, int g, int h, int *out, wg_error *err) { return a; }\n"}, "7 parameters"),
    ({"src/a/a.h": "int a;\n" * 301}, "301 lines"),
    ({"src/a/a.c": "int a;\n" * 1001}, "1001 lines"),
    ({"src/a/a.c": MARKED + "static const int t[] = {\n" + "    1,\n" * 90 + "};\nint g(void (*p)(int, int), int q) {\n}\n",
      **LIST, "src/a/a.h": "int a;\n" * 300,
      "src/a/b.c": "int f(int a, int b, int c, int d, int e, int g, int *out, int *out_b, wg_error *err) {\n    return a;\n}\n"}, None),
]
