"""Write the answers below the queries of a page.

Run `python -m tests.warehouse.support.write_answers PAGE DATABASE`.

The answers of README.md are those of the real files, the answers of docs/cookbook.md those of `make demo`.
"""

import re
import sys
from pathlib import Path

from report.query import answer

# a query, and the answer below it if there is one
QUERY = re.compile(r"```sql\n(.*?)\n```(?:\n\n```text\n(.*?)\n```)?", flags=re.DOTALL)


def answered(text: str, database: Path) -> str:
    """Return a page with the answers that a database gives to its queries."""
    return QUERY.sub(
        lambda found: f"```sql\n{found[1]}\n```\n\n```text\n{answer(found[1], database)}\n```", text
    )


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(answered(page.read_text(), Path(sys.argv[2])))
