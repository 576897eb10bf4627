"""Shell scripts parse (bash -n) and stop at errors (set -e); Python files compile; scripts with a #! are executable."""
import os
import subprocess


def check(tree):
    problems = []
    for path, text in tree.files.items():
        first = text.split("\n", 1)[0]
        if path.endswith(".py") or first.startswith("#!") and "python" in first:
            try:
                compile(text, path, "exec")
            except SyntaxError as error:
                problems.append(f"{path}:{error.lineno}: {error.msg}")
        if first.startswith("#!") and "bash" in first or path.endswith(".sh"):
            run = subprocess.run(["bash", "-n"], input=text.encode("utf-8", "surrogateescape"), capture_output=True)
            if run.returncode:
                problems.append(f"{path}: {run.stderr.decode().strip()}")
            if "set -euo pipefail" not in text:
                problems.append(f"{path}: a script begins with set -euo pipefail")
        if first.startswith("#!") and tree.root is not None and not os.access(tree.root / path, os.X_OK):
            problems.append(f"{path}: has a #! line but is not executable")
    return problems


SELF_TEST = [
    ({"tests/a.sh": "set -euo pipefail\nif true; then\n"}, "syntax error"),
    ({"tests/a.sh": "#!/bin/bash\necho\n"}, "set -euo pipefail"),
    ({"tools/a.py": "def f(:\n"}, "tools/a.py:1"),
    ({"tests/a.sh": "#!/bin/bash\nset -euo pipefail\n", "tools/a.py": "x = 1\n"}, None),
]
