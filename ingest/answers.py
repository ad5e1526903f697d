"""The long table of answers, and the tables of what CDC's pages say: written as each file is loaded."""

from collections.abc import Sequence

import duckdb

from ingest.codebook_checks import CheckedCode
from ingest.codebook_page import PageVariable, range_of
from ingest.transport import TransportFile
from warehouse.seeds.catalogue import KEY

ANSWERS = """
create table nhanes.answers (
    seqn integer not null,
    release varchar not null,
    file varchar not null,
    variable varchar not null,
    value double not null
);
create table nhanes.variables (
    release varchar not null,
    file varchar not null,
    variable varchar not null,
    position integer not null,
    label varchar,
    question varchar,
    target varchar,
    type varchar not null,
    answers bigint not null,
    missing bigint not null,
    limit_of_detection double,
    on_page boolean not null
);
create table nhanes.codes (
    release varchar not null,
    file varchar not null,
    variable varchar not null,
    position integer not null,
    code varchar not null,
    number double,
    low double,
    high double,
    label varchar not null,
    kind varchar not null check (kind in ('value', 'range', 'missing', 'refused', 'dont_know', 'text')),
    count bigint not null,
    page_count bigint,
    note varchar
);
comment on table nhanes.answers is
    'One row per person, file and variable with a number; texts stay in nhanes_files, missing is no row.';
comment on column nhanes.answers.variable is 'As in the file.';
comment on column nhanes.answers.value is 'As in the file: codes such as 7 (refused) are numbers here too.';
comment on table nhanes.variables is
    'One row per file and variable: labels of the file, the rest from CDC''s page.';
comment on column nhanes.variables.label is 'From the file; from the page where the file has none.';
comment on column nhanes.variables.question is 'English text of the page.';
comment on column nhanes.variables.target is 'Who was asked or measured, by the page.';
comment on column nhanes.variables.answers is 'Rows of the file with a value.';
comment on column nhanes.variables.limit_of_detection is
    'From the page''s table of limits; null where it has none, or several for the variable.';
comment on column nhanes.variables.on_page is 'Whether a page describes it; without, no count was compared.';
comment on table nhanes.codes is
    'One row per file, variable and code (or range, or missing), from CDC''s page.';
comment on column nhanes.codes.count is 'Rows of the file, compared with the page when it was loaded.';
comment on column nhanes.codes.page_count is 'The page''s count; null where the page lacks the code.';
comment on column nhanes.codes.note is 'Why the counts differ (seed codebook_errors).';
create view nhanes.changed_words as
with words as (
    select
        variable,
        number,
        release,
        label,
        trim(regexp_replace(lower(label), '[^a-z0-9<>]+', ' ', 'g')) as letters
    from nhanes.codes
    where kind = 'value'
)
select variable, number, label, list(distinct release order by release) as releases
from words
where (variable, number) in (
    select (variable, number) from words group by variable, number having count(distinct letters) > 1
)
group by variable, number, label;
create view nhanes.changed_top_codes as
with ranged as (select distinct variable, release from nhanes.codes where kind = 'range'),
codes as (
    select ranged.variable, ranged.release, codes.number, codes.label
    from ranged
    inner join nhanes.codes as codes
        on ranged.variable = codes.variable and ranged.release = codes.release
    where codes.kind = 'value'
)
select
    codes.variable,
    codes.number,
    min(codes.label) as label,
    list(distinct codes.release order by codes.release) as releases,
    list(distinct others.release order by others.release) as other_releases
from codes
inner join ranged as others on codes.variable = others.variable
where not exists (
    from codes as same
    where
        same.variable = others.variable and same.release = others.release and same.number = codes.number
)
group by codes.variable, codes.number;
comment on view nhanes.changed_words is
    'Codes of one name and number whose words differ between releases, by more than signs and capitals.';
comment on view nhanes.changed_top_codes is
    'Codes beside a range (80: 80 years and over) that some releases have and others do not.';
"""


def write_answers(
    connection: duckdb.DuckDBPyConnection, release: str, file: str, transport: TransportFile
) -> None:
    """Append the numbers of a file to ``nhanes.answers``, a variable after the other.

    That order, in which people follow each other within a variable, lets DuckDB pass over all other
    variables when one is asked for. DuckDB finds `incoming` by its name in this function.
    """
    import numpy as np

    key = transport.values[KEY].astype(np.int32)
    names = [column.name for column in transport.columns if column.type == "DOUBLE" and column.name != KEY]
    present = [~np.isnan(transport.values[name]) for name in names]
    if not names:
        return
    incoming = {
        "seqn": np.concatenate([key[rows] for rows in present]),
        "variable": np.repeat(np.arange(1, len(names) + 1), [int(rows.sum()) for rows in present]),
        "value": np.concatenate(
            [transport.values[name][rows] for name, rows in zip(names, present, strict=True)]
        ),
    }
    connection.execute(
        "insert into nhanes.answers "
        "select seqn, $1, $2, list_extract($3::varchar[], variable), value from incoming",
        [release, file, names],
    )
    del incoming


def write_codebook(
    connection: duckdb.DuckDBPyConnection,
    release: str,
    file: str,
    transport: TransportFile,
    described: Sequence[PageVariable],
    codes: Sequence[CheckedCode],
) -> None:
    """Append to ``nhanes.variables`` and ``nhanes.codes`` what a file and its page say.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Of the raw database that is written.
    release, file : str
        Their names.
    transport : TransportFile
        The file.
    described : sequence of PageVariable
        What the page says; empty without a page.
    codes : sequence of CheckedCode
        The codes, compared with the file.
    """
    import numpy as np

    pages = {variable.name: variable for variable in described}
    variables = []
    for position, column in enumerate(transport.columns, 1):
        values, page = transport.values[column.name], pages.get(column.name)
        missing = np.isnan(values) if column.type == "DOUBLE" else values == ""
        absent = int(np.count_nonzero(missing))
        variables.append(
            (
                column.name,
                position,
                column.label or (page.label if page else None) or None,
                (page.question if page else None) or None,
                (page.target if page else None) or None,
                column.type,
                len(values) - absent,
                absent,
                page.limit_of_detection if page else None,
                page is not None,
            )
        )
    _insert(connection, "variables", release, file, variables, _VARIABLE_TYPES)
    rows = []
    positions: dict[str, int] = {}
    for item in codes:
        code = item.code
        positions[item.variable] = positions.get(item.variable, 0) + 1
        low, high = range_of(code) if code.kind == "range" else (None, None)
        rows.append(
            (
                item.variable,
                positions[item.variable],
                code.code,
                code.number,
                low,
                high,
                code.label,
                code.kind,
                code.count,
                item.page_count,
                item.note,
            )
        )
    _insert(connection, "codes", release, file, rows, _CODE_TYPES)


_VARIABLE_TYPES = (
    "varchar",
    "integer",
    "varchar",
    "varchar",
    "varchar",
    "varchar",
    "bigint",
    "bigint",
    "double",
    "boolean",
)
_CODE_TYPES = (
    "varchar",
    "integer",
    "varchar",
    "double",
    "double",
    "double",
    "varchar",
    "varchar",
    "bigint",
    "bigint",
    "varchar",
)


def _insert(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    release: str,
    file: str,
    rows: Sequence[tuple[object, ...]],
    types: Sequence[str],
) -> None:
    """Insert all rows at once, as one list per column."""
    if rows:
        lists = ", ".join(f"unnest(${at}::{kind}[])" for at, kind in enumerate(types, 3))
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(f"insert into nhanes.{table} select $1, $2, {lists}", [release, file, *columns])
