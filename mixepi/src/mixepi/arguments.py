"""Checks of what a user passes, shared by the specifications of all methods and by the functions that fit."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np

from mixepi.errors import SpecificationError

# Columns that may also be a covariate or one another: a stratum is often a region one adjusts for.
SHARED_ROLES = {"covariates", "strata", "psu", "domain", "stratified_by", "interaction", "modifier"}


def is_number(value: object) -> bool:
    """Return whether `value` is a real number, of Python or NumPy, and no bool."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def require_integer(name: str, value: Any, minimum: int, advice: str, maximum: int | None = None) -> int:
    """Return a whole number from `minimum` to `maximum`, of Python or NumPy; `advice` says what to do."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < minimum or (maximum is not None and value > maximum):
        limits = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise SpecificationError(f"expected {name} to be a whole number {limits}, found {value!r}: {advice}")
    return int(value)


def require_seed(seed: Any) -> int:
    """Return a seed as an int."""
    return require_integer("seed", seed, 0, "choose one and write it down, results depend on it")


def require_workers(workers: Any) -> None:
    """Raise `SpecificationError` unless `workers` is None or at least 1."""
    if workers is not None:
        require_integer("workers", workers, 1, "leave it out for all available processors")


def require_choice(name: str, value: object, allowed: Iterable[object]) -> None:
    """Raise `SpecificationError` unless `value` is one of `allowed`."""
    choices = tuple(allowed)
    if value not in choices:
        raise SpecificationError(
            f"expected {name} to be one of {', '.join(map(str, choices))}, found {value!r}: "
            "choose one of them"
        )


def require_flag(name: str, value: object) -> None:
    """Raise `SpecificationError` unless `value` is True or False: any text would count as True."""
    if not isinstance(value, bool | np.bool_):
        raise SpecificationError(f"expected {name} to be True or False, found {value!r}: pass one of them")


def require_type(name: str, value: object, kind: type) -> None:
    """Raise `SpecificationError` unless `value` is a `kind`."""
    if not isinstance(value, kind):
        raise SpecificationError(
            f"expected {name} to be a {kind.__name__}, found {type(value).__name__}: "
            "check what is passed, and in which order"
        )


def require_names(name: str, value: Any, what: str = "column names") -> tuple[str, ...]:
    """Return several names as a tuple; a bare text or an unordered set is an error."""
    if isinstance(value, str):
        raise SpecificationError(
            f"expected {name} to be a tuple of {what}, found the text {value!r}: write ({value!r},)"
        )
    if isinstance(value, set | frozenset) or not isinstance(value, Iterable):
        raise SpecificationError(
            f"expected {name} to be a tuple of {what}, found {value!r}: list them in an order"
        )
    names = tuple(value)
    others = [item for item in names if not isinstance(item, str)]
    if others:
        raise SpecificationError(
            f"expected {name} to be a tuple of {what}, found {others[0]!r} among them: names are texts"
        )
    return names


def nearest_names(unknown: Iterable[str], known: Iterable[object]) -> str:
    """Return advice on names that are not known: for each those most like it, whatever their case."""
    by_case = {str(name).lower(): str(name) for name in known}
    advice = []
    for name in unknown:
        near = [repr(by_case[key]) for key in get_close_matches(str(name).lower(), by_case)]
        if near:
            advice.append(f"nearest to {name!r}: {', '.join(near)}")
    return "; ".join(["check the spelling", *advice])


def require_known(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise `SpecificationError`, with the nearest names, unless all `names` are among those `known`."""
    choices = tuple(known)
    unknown = [name for name in names if name not in choices]
    if unknown:
        raise SpecificationError(
            f"expected {what} among {', '.join(choices) or 'none'}, found {', '.join(map(repr, unknown))}: "
            f"{nearest_names(unknown, choices)}"
        )


def require_references(value: Any, covariates: tuple[str, ...]) -> tuple[tuple[str, object], ...]:
    """Return pairs of a covariate and its reference level, once they are pairs and name covariates."""
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise SpecificationError(
            f"expected references to be a tuple of pairs, found {value!r}: write (('covariate', level),)"
        )
    pairs = []
    for pair in value:
        if isinstance(pair, str) or not isinstance(pair, list | tuple) or len(pair) != 2:
            raise SpecificationError(
                f"expected references to be pairs of a covariate and its level, found {pair!r} among "
                f"{value!r}: write (('covariate', level),)"
            )
        name, level = pair
        pairs.append((name, level.item() if isinstance(level, np.generic) else level))
    named = [name for name, _ in pairs]
    require_known("references of covariates", require_names("references", named), covariates)
    repeated = next((name for name in named if named.count(name) > 1), None)
    if repeated is not None:
        raise SpecificationError(
            f"expected one reference level of each covariate, found several of {repeated!r}: keep one"
        )
    return tuple(pairs)


def require_one_role(outcome: str, **roles: str | tuple[str, ...] | None) -> None:
    """Raise `SpecificationError` unless every column has one role, those of `SHARED_ROLES` excepted.

    Parameters
    ----------
    outcome : str
    **roles : str, tuple of str or None
        Columns by role; a tuple has gone through `require_names`.
    """
    if not isinstance(outcome, str):
        raise SpecificationError(f"expected outcome to be one column name, found {outcome!r}: name a column")
    found: dict[str, list[str]] = {outcome: ["outcome"]}
    for role, columns in roles.items():
        if columns is not None and not isinstance(columns, str | tuple):
            raise SpecificationError(
                f"expected {role} to be one column name, found {columns!r}: name a column or leave it out"
            )
        for column in (columns,) if isinstance(columns, str) else columns or ():
            found.setdefault(column, []).append(role)
    for column, named in found.items():
        if len(named) > 1 and not (set(named) <= SHARED_ROLES and len(set(named)) == len(named)):
            raise SpecificationError(
                f"expected every column in one role, found {column!r} as {' and '.join(named)}: name it once"
            )
