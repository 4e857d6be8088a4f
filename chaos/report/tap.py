"""The figures as the YAML block of a TAP line (TAP 13 and 14)."""

import json


def _scalar(value):
    return json.dumps(value, ensure_ascii=False)  # each JSON scalar is YAML


def _write(value, depth):
    indent = "  " * depth
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield f"{indent}{key}:"
            yield from _write(inner, depth + 1)
        elif isinstance(inner, list):
            yield f"{indent}{key}:"
            yield from (f"{indent}  - {_scalar(one)}" for one in inner)
        else:
            yield f"{indent}{key}: {_scalar(inner)}"


def block(figures):
    return "\n".join(["  ---", *_write(figures, 1), "  ..."]) + "\n"
