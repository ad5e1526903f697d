"""The guide's code compiles, and the names it imports exist."""

import ast
import re
from pathlib import Path

import mixepi

GUIDE = Path(__file__).parents[1] / "docs" / "guide-wqs.md"


def test_code_of_the_guide():
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    assert len(blocks) >= 4
    for block in blocks:
        tree = ast.parse(block)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "mixepi":
                for name in node.names:
                    assert hasattr(mixepi, name.name)
