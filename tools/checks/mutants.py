"""tools/mutate makes the mutants that it should, and tools/mutants_equal.txt lists none that is gone."""
import importlib.machinery
import importlib.util

from checks.checklib import Skip


def loaded(root):
    loader = importlib.machinery.SourceFileLoader("mutate", str(root / "tools/mutate"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutate", loader))
    loader.exec_module(module)
    return module


def check(tree):
    if tree.root is None:  # a sample: its lines must name mutants of its sources
        return [f"{path}:1: no such mutant" for path, text in tree.files.items()
                if path.endswith("mutants_equal.txt") and "src/" not in text]
    if not (tree.root / "tools/mutate").exists():
        raise Skip("tools/mutate is not there")
    return [f"tools/mutate:1: {problem}" for problem in loaded(tree.root).self_test()]


SELF_TEST = [
    ({"tools/mutants_equal.txt": "nothing | x | < -> <= | why"}, "no such mutant"),
    ({"tools/mutants_equal.txt": "src/x.c | x | < -> <= | why"}, None),
]
