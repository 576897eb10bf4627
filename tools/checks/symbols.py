"""The built shared library exports wg_* and the one founding name, nothing else. Skipped while there is no release build."""
import shutil
import subprocess
import re

from checks.checklib import Skip

LIBRARY = "build/release/libworldgraph.so"
SAMPLE = "symbols.txt"  # of self-tests: the output of nm
ALLOWED = re.compile(r"^(wg_[a-z0-9_]+|arcflow_register_virtual_partition)$")


def check(tree):
    if tree.root is None:
        listing = tree.files[SAMPLE]
    elif not (tree.root / LIBRARY).exists():
        raise Skip(f"{LIBRARY} is not built")
    elif shutil.which("nm") is None:
        raise Skip("nm is not installed")
    else:
        listing = subprocess.run(["nm", "-D", "--defined-only", str(tree.root / LIBRARY)], capture_output=True, text=True,
                                 check=True).stdout
    names = [line.split()[-1] for line in listing.splitlines() if line.strip()]
    if not names:
        return [f"{LIBRARY} exports nothing"]
    return [f"{LIBRARY} exports {name}" for name in names if not ALLOWED.match(name)]


SELF_TEST = [
    ({SAMPLE: "0001 T wg_open\n0002 T wal_append\n"}, "exports wal_append"),
    ({SAMPLE: ""}, "exports nothing"),
    ({SAMPLE: "0001 T wg_open\n0002 T arcflow_register_virtual_partition\n"}, None),
]
