"""What the checkers share: the tree that they look at, and C text without comments and strings."""
import os
import pathlib
import re
import tempfile


class Skip(Exception):
    """The check cannot be made here; the message says what is missing."""


SKIPPED_DIRECTORIES = {"build", ".git", ".cache", "__pycache__"}
BINARY_SUFFIXES = {".parquet", ".png", ".bin", ".wal", ".arrow", ".gz", ".zst"}


class Tree:
    """Text files by path relative to the root. `root` is None for the small trees of self-tests."""

    def __init__(self, files, root=None):
        self.files = files
        self.root = root

    @classmethod
    def sample(cls, files):
        return cls(dict(files))

    @classmethod
    def of_directory(cls, root):
        files = {}
        for directory, names, file_names in os.walk(root):
            names[:] = sorted(n for n in names if n not in SKIPPED_DIRECTORIES and not n.endswith(".wg"))
            for name in sorted(file_names):
                path = pathlib.Path(directory) / name
                if path.is_symlink() or path.suffix in BINARY_SUFFIXES or name == "compile_commands.json":
                    continue
                relative = path.relative_to(root).as_posix()
                if relative.startswith("tests/regress/") or relative == ".git":
                    continue  # kept inputs of fuzzers are bytes, not text
                files[relative] = path.read_bytes().decode("utf-8", errors="surrogateescape")
        return cls(files, root)

    def matching(self, pattern):
        expression = re.compile(pattern)
        return [(path, text) for path, text in self.files.items() if expression.search(path)]

    def c_files(self):
        return self.matching(r"^(include|src|cli|tests|bench|examples)/.*\.[ch]$")

    def exists(self, path):
        """True for files of the tree, for directories that hold any, and for what lies on disk but is not text."""
        prefix = path.rstrip("/") + "/"
        if path in self.files or any(name.startswith(prefix) for name in self.files):
            return True
        return self.root is not None and (self.root / path).exists()

    def materialise(self):
        """The tree as a directory: the project itself, or a temporary copy of a sample (kept by the returned handle)."""
        if self.root is not None:
            return None, self.root
        handle = tempfile.TemporaryDirectory()
        for path, text in self.files.items():
            target = pathlib.Path(handle.name) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        return handle, pathlib.Path(handle.name)


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def bare_code(text):
    """C text with comments and the contents of string and character literals blanked; lines stay where they are."""

    def blank(match):
        token = match.group(0)
        filler = re.sub(r"[^\n]", " ", token)
        return token[0] + filler[1:-1] + token[-1] if token[0] in "\"'" else filler

    return TOKEN.sub(blank, text)


def entries(tree, path):
    """Lines of a list file as (line number, text), without comments and blank lines."""
    result = []
    for number, line in enumerate(tree.files.get(path, "").splitlines(), 1):
        line = line.split("#", 1)[0].strip() if not path.endswith("forbidden.txt") else line.strip()
        if line and not line.startswith("#"):
            result.append((number, line))
    return result


def modules(tree):
    """Folders below src/ that hold C files, with their C files."""
    found = {}
    for path, _ in tree.matching(r"^src/.*\.[ch]$"):
        found.setdefault(path.rsplit("/", 1)[0], []).append(path)
    return found
