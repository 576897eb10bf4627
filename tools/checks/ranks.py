"""docs/locks.md has the ranks of src/io/platform/platform.h, and docs/limits.md names constants that exist."""
import re

PLATFORM, LOCKS, LIMITS = "src/io/platform/platform.h", "docs/locks.md", "docs/limits.md"


def check(tree):
    code = dict(re.findall(r"\b(WG_RANK_\w+) = (\d+)", tree.files.get(PLATFORM, "")))
    page = {name: rank for rank, name in re.findall(r"^\| (\d+) \| `(WG_RANK_\w+)`", tree.files.get(LOCKS, ""), re.M)}
    problems = [f"{LOCKS}: {name} is {page.get(name, 'missing')}, in the code {code.get(name, 'missing')}"
                for name in sorted(code.keys() | page.keys()) if code.get(name) != page.get(name)]
    if not code:
        problems.append(f"{PLATFORM}: no lock ranks")
    headers = "\n".join(text for _, text in tree.matching(r"^(src|include)/.*\.h$"))
    for name in sorted(set(re.findall(r"`(WG_\w+_MAX)`", tree.files.get(LIMITS, "")))):
        if not re.search(rf"\b{name}\b", headers):
            problems.append(f"{LIMITS}: {name} is in no header")
    for name in sorted(set(re.findall(r"\b(WG_\w+_MAX) (?:= |\(?UINT64_C)", headers))):
        if f"`{name}`" not in tree.files.get(LIMITS, ""):
            problems.append(f"{LIMITS}: {name} is not listed")
    return problems


CODE = {PLATFORM: "enum { WG_RANK_A = 10 };\nenum { WG_X_MAX = 1 };\n"}
ROW, NAMED = "| 10 | `WG_RANK_A` | a |\n", "`WG_X_MAX`\n"
SELF_TEST = [
    ({**CODE, LOCKS: ROW.replace("10", "20"), LIMITS: NAMED}, "WG_RANK_A is 20, in the code 10"),
    ({**CODE, LOCKS: "", LIMITS: NAMED}, "WG_RANK_A is missing"),
    ({}, "no lock ranks"),
    ({**CODE, LOCKS: ROW, LIMITS: NAMED + "`WG_Y_MAX`\n"}, "WG_Y_MAX is in no header"),
    ({**CODE, LOCKS: ROW, LIMITS: ""}, "WG_X_MAX is not listed"),
    ({**CODE, LOCKS: ROW, LIMITS: NAMED}, None),
]
