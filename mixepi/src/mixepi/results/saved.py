"""Results in files: a zip of ``result.json`` (what it is, all plain values) and ``.npy`` arrays."""

import json
import math
import zlib
from dataclasses import fields, is_dataclass
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import numpy as np

import mixepi
from mixepi.errors import SavedResultError, SpecificationError
from mixepi.files import user_path, written_whole

FORMAT = "mixepi result"
# Raised whenever a class below changes its fields, because then older files can no longer be read.
FORMAT_VERSION = 3
CONTENTS = "result.json"
# A fixed date: the same result gives the same bytes.
DATE = (1980, 1, 1, 0, 0, 0)

# The only classes that a file can name. A file cannot make anything else run.
CLASSES = {
    "BKMR": "mixepi.bkmr.spec",
    "BKMRResult": "mixepi.bkmr.results",
    "BootstrapFits": "mixepi.wqs.bootstraps",
    "ChainOptions": "mixepi.bkmr.spec",
    "Components": "mixepi.wqs.data",
    "FinalModel": "mixepi.wqs.final_model",
    "GammaPrior": "mixepi.bkmr.model.priors",
    "InclusionPrior": "mixepi.bkmr.model.priors",
    "InverseGammaPrior": "mixepi.bkmr.model.priors",
    "InverseUniformPrior": "mixepi.bkmr.model.priors",
    "Mode": "mixepi.bkmr.sampler.modes",
    "Model": "mixepi.bkmr.model.model",
    "PermutationResult": "mixepi.wqs.permutation",
    "ProjectionResult": "mixepi.wqs.projection",
    "Priors": "mixepi.bkmr.model.model",
    "QGComp": "mixepi.qgcomp.spec",
    "QGCompMarginalResult": "mixepi.qgcomp.marginal",
    "QGCompResult": "mixepi.qgcomp.fit",
    "QuantileScores": "mixepi.quantile_scores",
    "RegressionFit": "mixepi.regression.result",
    "RegressionSpec": "mixepi.regression.spec",
    "RepeatedHoldoutResult": "mixepi.wqs.repeated_holdout",
    "Scaler": "mixepi.bkmr.design",
    "SurveyDesign": "mixepi.survey.design",
    "UniformPrior": "mixepi.bkmr.model.priors",
    "WQS": "mixepi.wqs.spec",
    "WQSResult": "mixepi.wqs.results",
}


def save(result: object, path: str | PathLike[str]) -> None:
    """Write a result; see `Result.save`."""
    arrays: list[np.ndarray[Any, Any]] = []
    contents = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "mixepi_version": mixepi.__version__,
        "result": _encoded(result, arrays),
    }
    with written_whole(user_path("path", path)) as stream, ZipFile(stream, "w") as archive:
        archive.writestr(_member(CONTENTS), json.dumps(contents, indent=1, allow_nan=False))
        for number, array in enumerate(arrays):
            with archive.open(_member(_array_name(number)), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def read(path: Path) -> Any:
    """Read what `save` wrote; raises as `mixepi.load` does."""
    try:
        with ZipFile(path) as archive:
            contents = _contents(path, archive)
            return _decoded(contents["result"], archive)
    except BadZipFile as error:
        raise SavedResultError(
            f"expected a result saved by mixepi in {path}, found another or a damaged file ({error}): choose "
            "the file that save() wrote, or save the result again"
        ) from error
    except (KeyError, TypeError, ValueError, AttributeError, EOFError, zlib.error) as error:
        if isinstance(error, SavedResultError):
            raise
        raise SavedResultError(
            f"expected a whole result in {path}, found it damaged ({type(error).__name__}: {error}): "
            "save the result again"
        ) from error


def _member(name: str) -> ZipInfo:
    info = ZipInfo(name, DATE)
    info.compress_type = ZIP_DEFLATED
    return info


def _array_name(number: int) -> str:
    return f"arrays/{number}.npy"


def _contents(path: Path, archive: ZipFile) -> dict[str, Any]:
    contents: Any = None
    if CONTENTS in archive.namelist():
        contents = json.loads(archive.read(CONTENTS))
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise SavedResultError(
            f"expected a result saved by mixepi in {path}, found another zip file: choose the file that "
            "save() wrote"
        )
    if contents["format_version"] != FORMAT_VERSION:
        raise SavedResultError(
            f"expected a result of format {FORMAT_VERSION} in {path}, found format "
            f"{contents['format_version']} of mixepi {contents['mixepi_version']}: read it with that version "
            f"(this is {mixepi.__version__}), or fit again"
        )
    return contents


def _encoded(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """Return `value` as JSON; arrays are appended to `arrays` and named by their number."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.bool_ | np.integer | np.floating):
        return _encoded(value.item(), arrays)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, tuple):
        return {"tuple": [_encoded(item, arrays) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[_encoded(key, arrays), _encoded(item, arrays)] for key, item in value.items()]}
    if isinstance(value, Path):
        return {"path": str(value)}
    name = type(value).__name__
    if is_dataclass(value) and CLASSES.get(name) == type(value).__module__:
        given = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        return {"class": name, "fields": {key: _encoded(item, arrays) for key, item in given.items()}}
    raise SpecificationError(
        f"expected values that can be saved, found {value!r} of class {type(value).__module__}.{name}: use "
        "mixepi's own classes, or keep the tables of the result instead"
    )


def _decoded(value: Any, archive: ZipFile) -> Any:
    if not isinstance(value, dict):
        return value
    if "class" in value:
        name = value["class"]
        given = {key: _decoded(item, archive) for key, item in value["fields"].items()}
        return getattr(import_module(CLASSES[name]), name)(**given)
    ((kind, content),) = value.items()
    if kind == "float":
        return float(content)
    if kind == "array":
        with archive.open(_array_name(content)) as member:
            return np.lib.format.read_array(member, allow_pickle=False)
    if kind == "tuple":
        return tuple(_decoded(item, archive) for item in content)
    if kind == "dict":
        return {_decoded(key, archive): _decoded(item, archive) for key, item in content}
    if kind == "path":
        return Path(content)
    raise ValueError(f"unknown kind of value {kind!r}")
