"""Common misspellings in sources and documents: a short list of our own, and codespell when it is installed."""
import re
import shutil
import subprocess

COMMON = ("accomodate:accommodate acheive:achieve adress:address apparant:apparent arguement:argument basicly:basically "
          "begining:beginning beleive:believe calender:calendar commited:committed commiting:committing compatability:compatibility "
          "concurency:concurrency consistant:consistent definately:definitely dependant:dependent existance:existence "
          "garantee:guarantee guarentee:guarantee immediatly:immediately independant:independent lenght:length neccessary:necessary "
          "neighbous:neighbours occured:occurred occurence:occurrence paralell:parallel paramter:parameter persistant:persistent "
          "posible:possible preceeding:preceding recieve:receive recieved:received refered:referred seperate:separate "
          "seperated:separated sucess:success successfull:successful supress:suppress thier:their threshhold:threshold "
          "transfered:transferred truely:truly untill:until usefull:useful wich:which writting:writing teh:the")
RIGHT = dict(pair.split(":") for pair in COMMON.split())
WORD = re.compile(r"[A-Za-z]+")
TEXT = r"\.(c|h|md|txt|py|sh|1|json|in)$|^(dev|tools/[a-z_]+)$"


def check(tree):
    problems = []
    files = [(path, text) for path, text in tree.matching(TEXT)
             if path not in ("tools/checks/spelling.py", "tools/spelling.txt", "tests/tck/passing.txt", "LICENSE") and "/goldens/" not in path]
    for path, text in files:
        for number, line in enumerate(text.split("\n"), 1):
            problems += [f"{path}:{number}: {word} should be {RIGHT[word.lower()]}" for word in WORD.findall(line)
                         if word.lower() in RIGHT]
    program = shutil.which("codespell")
    if tree.root is not None and program and files:
        accepted = ",".join(tree.files.get("tools/spelling.txt", "").split())
        run = subprocess.run([program, "--ignore-words-list", accepted or "none", *(path for path, _ in files)], cwd=tree.root,
                             capture_output=True, text=True)
        problems += [line for line in run.stdout.splitlines() if "==>" in line]
    return problems


SELF_TEST = [
    ({"src/a/a.c": "/* We recieve it. */\n"}, "src/a/a.c:1: recieve should be receive"),
    ({"docs/a.md": "Seperate\n"}, "should be separate"),
    ({"docs/a.md": "We receive separate things.\n"}, None),
]
