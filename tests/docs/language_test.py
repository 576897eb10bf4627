"""The examples of the documentation are true: every page of docs/language, and docs/errors.md.

Each page gets a new workspace and an empty directory, in which its blocks run from top to bottom, each by one run of
`worldgraph query`. docs/language/README.md ("Examples") says what the fences mean. `--update` writes what the program answers
into the pages instead of comparing; read the difference before it is committed. A word runs the pages with it in their name.
"""
import pathlib
import re
import shlex
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "python"))
import kit  # noqa: E402

PAGES = sorted((kit.ROOT / "docs/language").glob("*.md")) + [kit.ROOT / "docs/errors.md"]
FENCE = re.compile(r"^```([a-z]*)[ \t]*(.*)$")
OPTIONS = {"--param", "--timeout", "--read-only", "--json"}
PREFIX = re.compile(r"^worldgraph: (error|cancelled): ")


class Block:
    def __init__(self, kind, words, line):
        self.kind, self.words, self.line, self.lines, self.end = kind, words, line, [], None

    def text(self):
        return "".join(line + "\n" for line in self.lines)


def blocks_of(lines):
    """The fenced blocks of a page. A fence that does not end is an error of the page."""
    found, current = [], None
    for number, line in enumerate(lines):
        fence = FENCE.match(line)
        if current is None and fence:
            current = Block(fence[1], shlex.split(fence[2]), number + 1)
        elif current is not None and line == "```":
            current.end = number
            found.append(current)
            current = None
        elif current is not None:
            current.lines.append(line)
    kit.check(current is None, f"line {current.line if current else 0}: this block has no end")
    return found


def plain(text):
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


def message(answer):
    """What the program says of the error, without its name, without hints, and without what it says of statements before."""
    lines = [line for line in answer.err.splitlines() if not line.startswith("worldgraph: hint:")]
    while lines and not PREFIX.match(lines[0]):
        lines = lines[1:]
    kit.check(lines, f"no message: {answer.err!r}")
    return plain("\n".join([PREFIX.sub("", lines[0])] + lines[1:]))


def options_of(block):
    for word in block.words:
        kit.check(not word.startswith("--") or word in OPTIONS, f"line {block.line}: no option {word}")
    return block.words


def run_block(ws, block, expected, directory):
    """What the block answered, which must be of the kind that the page expects."""
    answer = kit.run("query", ws, "--file", "-", *options_of(block), stdin=block.text().encode(), cwd=directory)
    where = f"line {block.line}: "
    if expected is not None and expected.kind == "error":
        kit.check(answer.rc != 0, f"{where}the page shows an error, but this runs:\n{block.text()}{answer.out.decode()}")
        return message(answer)
    kit.check(answer.rc == 0, f"{where}{answer.err}{block.text()}")
    return plain(answer.out.decode())


def run_page(path, update):
    """Compares a page with what the program does; gives the number of blocks that ran."""
    lines = path.read_text(encoding="utf-8").split("\n")
    blocks, changes, count, wrong = blocks_of(lines), [], 0, []
    with tempfile.TemporaryDirectory() as directory:
        ws = kit.Workspace(pathlib.Path(directory) / "page.wg")
        for number, block in enumerate(blocks):
            following = blocks[number + 1] if number + 1 < len(blocks) else None
            if block.kind in ("csv", "json") and block.words:
                kit.check("/" not in block.words[0], f"line {block.line}: a file of the page has no directory")
                (pathlib.Path(directory) / block.words[0]).write_text(block.text(), encoding="utf-8")
            if block.kind != "cypher" or block.words == ["fragment"]:
                continue
            expected = following if following is not None and following.kind in ("text", "error") else None
            got = run_block(ws.path, block, expected, directory)
            count += 1
            if expected is not None and got != plain(expected.text()):
                changes.append((expected, got))
                wrong.append(f"line {block.line}:\n{block.text()}the page shows:\n{expected.text()}but it is:\n{got}")
        kit.equal(ws.verify().rc, 0, "verify")
    if update:
        for block, got in reversed(changes):
            lines[block.line:block.end] = got.splitlines()
        path.write_text("\n".join(lines), encoding="utf-8")
    else:
        kit.check(not wrong, f"{path.name}: " + "\n".join(wrong))
    return count


def main(arguments):
    update = "--update" in arguments
    wanted = [word for word in arguments if word != "--update"]
    failed = ran = 0
    for path in PAGES:
        if wanted and not any(word in path.name for word in wanted):
            continue
        try:
            count = run_page(path, update)
            print(f"ok   {path.name}: {count} examples")
            ran += 1
        except AssertionError as error:
            print(f"FAIL {path.name}: {error}")
            failed += 1
    print(f"{ran} passed, {failed} failed")
    return 1 if failed or not ran else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
