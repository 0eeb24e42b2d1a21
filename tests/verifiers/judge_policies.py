"""Holds policies to their published schema with jsonschema: judge_policies.py SCHEMA DOCUMENT…

Prints a line for each document: `ok`, or the place of what is wrong, a point, and the word of the schema that says so.
"""
import json
import sys

import jsonschema


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def verdict(validator, document):
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    return "ok" if error is None else f"{error.json_path} {error.validator}"


def main(schema, *documents):
    schema = read(schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for document in documents:
        print(verdict(validator, read(document)))


main(*sys.argv[1:])
