"""The guide's code compiles, and the names it imports exist."""

import ast
import re
from pathlib import Path

import envmix

GUIDE = Path(__file__).parents[2] / "docs" / "guide-wqs.md"


def test_code_of_the_guide():
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    assert len(blocks) >= 4
    for block in blocks:
        tree = ast.parse(block)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "envmix":
                for name in node.names:
                    assert hasattr(envmix, name.name)


def test_public_names():
    assert set(envmix.__all__) == set(dir(envmix))
    for name in envmix.__all__:
        assert getattr(envmix, name).__doc__
