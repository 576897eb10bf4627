"""docs/language/grammar.md is what tools/gen_grammar makes of docs/language/grammar.ebnf, and every rule is used or begins a script."""
import importlib.machinery
import importlib.util
import pathlib

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "gen_grammar"
LOADER = importlib.machinery.SourceFileLoader("gen_grammar", str(PROGRAM))
gen_grammar = importlib.util.module_from_spec(importlib.util.spec_from_loader("gen_grammar", LOADER))
LOADER.exec_module(gen_grammar)

EBNF, PAGE = "docs/language/grammar.ebnf", "docs/language/grammar.md"


def check(tree):
    text = tree.files.get(EBNF, "")
    if "*)\n" not in text:
        return [f"{EBNF}: no grammar"]
    problems = []
    if tree.files.get(PAGE, "") != gen_grammar.page(text):
        problems.append(f"{PAGE} is not what tools/gen_grammar writes; run it")
    _, found, _ = gen_grammar.sections(text)
    rules = [rule for _, rules in found for rule in rules]
    names = [name for name, _ in rules]
    used = {name for own, lines in rules for name in gen_grammar.uses(lines, names) if name != own}
    problems += [f"{EBNF}: nothing uses the rule {name}" for name in names[1:] if name not in used]
    return problems


SAMPLE = "(* A grammar. *)\n(* ---- all *)\nscript = { word } ;\nword   = 'A' ;\n"
ALONE = SAMPLE + "other  = 'B' ;\n"
SELF_TEST = [
    ({EBNF: SAMPLE, PAGE: gen_grammar.page(SAMPLE)}, None),
    ({EBNF: SAMPLE, PAGE: "# Grammar\n"}, "run it"),
    ({EBNF: ALONE, PAGE: gen_grammar.page(ALONE)}, "nothing uses the rule other"),
]
