"""The JSON schema of study files, for editors: `python -m warehouse.studies.schema` writes it."""

import json

from warehouse.paths import PROJECT_ROOT
from warehouse.studies.compile import FOLDER
from warehouse.studies.study_file import StudyFile

PATH = PROJECT_ROOT / FOLDER / "schema.json"


def schema_text() -> str:
    """Return the schema, a line for each key and part of a study file.

    A study that is based on another needs none of the sections that it takes over.
    """
    schema = StudyFile.model_json_schema()
    whole = schema.pop("required")
    schema["required"] = ["study", "title", "description"]
    schema["anyOf"] = [{"required": ["based_on"]}, {"required": whole}]
    sections = []
    for key, value in schema.items():
        if key in ("$defs", "properties"):
            lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(part)}" for name, part in value.items())
            sections.append(f" {json.dumps(key)}: {{\n{lines}\n }}")
        else:
            sections.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(sections) + "\n}\n"


if __name__ == "__main__":
    PATH.write_text(schema_text())
