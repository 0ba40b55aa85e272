#!/usr/bin/env python3
"""Check that constrained answers are what was asked for, with validators that are not our own.

Starts `torii serve` with the starter model and asks for outputs under some fifty JSON Schemas, regular
expressions, choices and grammars, at several temperatures: whenever `finish_reason` is "stop" the
output must validate (`jsonschema` with its format checker, or Python's `re`). Schemas that cannot be
enforced must be refused with 400 and the path. The exit status is 1 when anything failed.
"""

import concurrent.futures
import json
import re
from collections import Counter
from pathlib import Path

import jsonschema
import openai
from daemon import SMOL as MODEL
from daemon import Suite, ask

TEMPERATURES = (0, 1, 1.5)


def obj(required=None, **properties):
    required = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": required}


STRING, INTEGER, NUMBER, BOOLEAN = ({"type": t} for t in ("string", "integer", "number", "boolean"))
SHORT = {"type": "string", "maxLength": 20}
FORMATS = ["date", "time", "date-time", "uuid", "ipv4", "ipv6", "email", "hostname", "uri", "duration"]

SCHEMAS = {
    "integer": INTEGER,
    "number": NUMBER,
    "boolean": BOOLEAN,
    "null": {"type": "null"},
    "short string": SHORT,
    "exact length": {"type": "string", "minLength": 5, "maxLength": 5},
    "long string": {"type": "string", "minLength": 40, "maxLength": 60},
    "type array": {"type": ["integer", "null", "boolean"]},
    "enum": {"enum": ["red", "green", 7, None, {"a": [1, "é\""]}]},
    "typed enum": {"type": "string", "enum": ["a", "b", 1]},
    "const": {"const": {"answer": [42, "x\ny"]}},
    "minimum": {"type": "integer", "minimum": 1000, "maximum": 1010},
    "exclusive": {"type": "integer", "exclusiveMinimum": -3, "exclusiveMaximum": 3},
    "negative": {"type": "integer", "minimum": -250, "maximum": -99},
    "fraction": {"type": "number", "minimum": 0, "maximum": 1},
    "exclusive fraction": {"type": "number", "exclusiveMinimum": 0.25, "exclusiveMaximum": 0.75},
    "negative fraction": {"type": "number", "minimum": -1.5, "exclusiveMaximum": -0.5},
    "multiple": {"type": "integer", "multipleOf": 7, "minimum": 50, "maximum": 500},
    "quarters": {"type": "number", "multipleOf": 0.25, "minimum": 0, "maximum": 99},
    "pattern": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3,5}$"},
    "open pattern": {"type": "string", "pattern": "[0-9]{2}", "maxLength": 12},
    "two patterns": {"allOf": [{"pattern": "^[a-f]+$"}, {"pattern": "^.{3,6}$"}], "type": "string"},
    "words": {"type": "string", "pattern": "^([a-z]+ ){2,4}[a-z]+$", "maxLength": 40},
    **{f"format {name}": {"type": "string", "format": name} for name in FORMATS},
    "array": {"type": "array", "items": INTEGER, "minItems": 2, "maxItems": 5},
    "no items": {"type": "array", "items": False},
    "tuple": {"type": "array", "prefixItems": [SHORT, INTEGER, BOOLEAN], "minItems": 3, "items": False},
    "tuple and rest": {
        "type": "array", "prefixItems": [{"const": "v"}], "items": {"type": "number"},
        "minItems": 2, "maxItems": 4,
    },
    "matrix": {
        "type": "array", "minItems": 2, "maxItems": 2,
        "items": {"type": "array", "items": INTEGER, "minItems": 2, "maxItems": 3},
    },
    "object": obj(name=SHORT, age={"type": "integer", "minimum": 0, "maximum": 120}),
    "optional": obj([], a=INTEGER, b=BOOLEAN, c=SHORT) | {"additionalProperties": False},
    "escaped names": obj(**{'quo"te': INTEGER, "back\\slash": BOOLEAN, "smörgås": SHORT}),
    "additional": {"type": "object", "additionalProperties": INTEGER, "maxProperties": 3},
    "declared and additional": obj(["id"], id=INTEGER) | {
        "additionalProperties": BOOLEAN, "maxProperties": 3
    },
    "patterns": {
        "type": "object", "patternProperties": {"^n_[a-z]{1,5}$": INTEGER},
        "additionalProperties": False, "maxProperties": 3,
    },
    "property names": {
        "type": "object", "propertyNames": {"pattern": "^[a-z]{1,6}$"}, "maxProperties": 2,
        "additionalProperties": INTEGER, "minProperties": 1,
    },
    "min properties": obj([], a=INTEGER, b=INTEGER, c=INTEGER) | {
        "minProperties": 2, "additionalProperties": False
    },
    "anyOf": {"anyOf": [INTEGER, SHORT, obj(x=BOOLEAN)]},
    "anyOf required": obj([], a=INTEGER, b=INTEGER) | {
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}]
    },
    "oneOf types": {"oneOf": [INTEGER, {"type": "string", "maxLength": 5}, {"type": "null"}]},
    "oneOf discriminator": {
        "oneOf": [
            obj(kind={"const": "card"}, number={"type": "string", "pattern": "^[0-9]{8}$"}),
            obj(kind={"const": "cash"}, amount={"type": "integer", "minimum": 1, "maximum": 99}),
        ]
    },
    "oneOf required": {"oneOf": [obj(a=INTEGER), obj(b=INTEGER)]},
    "allOf": {
        "allOf": [obj(a=INTEGER), obj(b=BOOLEAN), {"properties": {"a": {"minimum": 5, "maximum": 9}}}]
    },
    "ref": {
        "$defs": {"point": obj(x=INTEGER, y=INTEGER)}, "type": "object",
        "properties": {"from": {"$ref": "#/$defs/point"}, "to": {"$ref": "#/$defs/point"}},
        "required": ["from", "to"],
    },
    "recursive list": {
        "$defs": {"n": obj(["v"], v={"type": "integer", "maximum": 99}, next={"$ref": "#/$defs/n"})},
        "$ref": "#/$defs/n",
    },
    "recursive tree": {
        "$ref": "#/$defs/t",
        "$defs": {
            "t": obj(
                v=BOOLEAN, kids={"type": "array", "maxItems": 2, "items": {"$ref": "#/$defs/t"}}
            )
        },
    },
    "pydantic": {
        "$defs": {
            "Address": obj(city={"title": "City", **SHORT}, zip={"pattern": "^[0-9]{5}$", **STRING}),
            "Role": {"enum": ["admin", "user"], "title": "Role", "type": "string"},
        },
        "title": "User", "type": "object", "additionalProperties": False,
        "properties": {
            "id": {"title": "Id", **INTEGER}, "role": {"$ref": "#/$defs/Role"},
            "address": {"anyOf": [{"$ref": "#/$defs/Address"}, {"type": "null"}], "default": None},
            "tags": {"type": "array", "items": SHORT, "maxItems": 3, "title": "Tags"},
        },
        "required": ["id", "role", "address", "tags"],
    },
}

REFUSED = {
    "not": ({"not": {"type": "null"}}, "not"),
    "nested": (obj(x={"if": {}, "then": {}}), "properties.x.if"),
    "items": ({"type": "array", "items": {"contains": INTEGER}}, "items.contains"),
    "unique": ({"type": "array", "uniqueItems": True}, "uniqueItems"),
    "unknown": ({"type": "integer", "maximun": 1}, "maximun"),
    "reference": ({"$ref": "#/$defs/x"}, '["$ref"]'),
    "remote": ({"$ref": "https://example.org/s"}, '["$ref"]'),
    "pattern": ({"type": "string", "pattern": "(?=x)"}, "pattern"),
    "overlap": ({"oneOf": [INTEGER, NUMBER]}, "oneOf"),
    "impossible": ({"type": "integer", "minimum": 2, "maximum": 1}, ""),
}

TEXTS = {
    "regex": ({"guided_regex": r"[A-Z][a-z]{2,9}( [a-z]+){1,4}\."}, r"[A-Z][a-z]{2,9}( [a-z]+){1,4}\."),
    "anchored regex": ({"guided_regex": r"^(\d{3}-)+\d{4}$"}, r"(\d{3}-)+\d{4}"),
    "choice": ({"guided_choice": ["positive", "negative", "neutral (é)"]}, r"positive|negative|neutral \(é\)"),
    "gbnf": (
        {"grammar": 'root ::= item+\nitem ::= "- " [a-z]{1,12} (" " [a-z]{1,9}){0,3} "\\n"'},
        r"(- [a-z]{1,12}( [a-z]{1,9}){0,3}\n)+",
    ),
    "left recursion": (
        {"guided_grammar": 'root ::= sum\nsum ::= sum "+" num | num\nnum ::= [1-9] [0-9]?'},
        r"[1-9][0-9]?(\+[1-9][0-9]?)*",
    ),
    "structured_outputs": ({"structured_outputs": {"regex": "yes|no"}}, r"yes|no"),
}


def as_format(schema):
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def prompt(name, schema):
    return ask(f"Give an example of: {name}. Answer with JSON: {json.dumps(schema)[:300]}")


def generate(client, arguments):
    answer = client.chat.completions.create(model=MODEL, max_tokens=160, seed=1, **arguments)
    choice = answer.choices[0]
    return choice.message.content, choice.finish_reason


def check_schema(client, name, temperature):
    schema = SCHEMAS[name]
    text, reason = generate(
        client,
        dict(
            messages=prompt(name, schema),
            response_format=as_format(schema),
            temperature=temperature,
        ),
    )
    if reason == "stop":
        validator = jsonschema.Draft202012Validator(
            schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        )
        validator.validate(json.loads(text))
    return reason


def check_object(client, temperature):
    text, reason = generate(
        client,
        dict(
            messages=ask("Describe a cat as a small JSON object."),
            response_format={"type": "json_object"},
            temperature=temperature,
        ),
    )
    if reason == "stop":
        assert isinstance(json.loads(text), dict), text
    return reason


def check_text(client, name, temperature):
    body, pattern = TEXTS[name]
    text, reason = generate(
        client,
        dict(messages=ask(f"Write something: {name}"), extra_body=body, temperature=temperature),
    )
    if reason == "stop":
        assert re.fullmatch(pattern, text), text
    return reason


def check_refusal(client, name, stream):
    schema, path = REFUSED[name]
    expected = "response_format.json_schema.schema"
    expected += path if path.startswith("[") or not path else "." + path
    try:
        client.chat.completions.create(
            model=MODEL, messages=ask("x"), response_format=as_format(schema), stream=stream
        )
    except openai.BadRequestError as error:
        assert error.param == expected, error.param
        return "refused"
    raise AssertionError("the schema was accepted")


def check_streams(client, temperature):
    """Deltas joined are what a plain answer has; several choices all validate."""
    schema = SCHEMAS["pydantic"]
    arguments = dict(
        model=MODEL, messages=ask("A user"), response_format=as_format(schema), seed=3,
        temperature=temperature, max_tokens=160, n=3,
    )
    whole = client.chat.completions.create(**arguments)
    texts = ["", "", ""]
    for chunk in client.chat.completions.create(**arguments, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == [choice.message.content for choice in whole.choices], texts
    for choice in whole.choices:
        if choice.finish_reason == "stop":
            jsonschema.validate(json.loads(choice.message.content), schema)
    return "stop"


def check_completion(client, temperature):
    answer = client.completions.create(
        model=MODEL, prompt="The list: ", max_tokens=100, temperature=temperature,
        extra_body={"json_schema": SCHEMAS["array"]}, seed=2,
    ).choices[0]
    if answer.finish_reason == "stop":
        jsonschema.validate(json.loads(answer.text), SCHEMAS["array"])
    return answer.finish_reason


def check_hostile(client, body):
    """What would take forever or endless memory is refused or served, and the daemon lives."""
    try:
        client.chat.completions.create(
            model=MODEL, messages=ask("x"), max_tokens=4, extra_body=body, timeout=30
        )
    except openai.BadRequestError:
        pass
    return "survived"


def hostile():
    deep = {"type": "integer"}
    for _ in range(50):
        deep = {"type": "array", "items": deep}
    yield {"json_schema": deep}
    wide = {"anyOf": [obj(**{f"p{i}": {"const": j}}) for i in range(15) for j in range(15)]}
    yield {"json_schema": {"allOf": [wide, wide, wide]}}
    yield {"guided_regex": "(a|aa)*" * 20 + "b"}
    yield {"guided_regex": "[ab]*a[ab]{5000}"}
    yield {"guided_regex": "((a{0,900}){0,900}){0,900}"}
    yield {"grammar": 'root ::= root root | "a" | ""'}
    yield {"grammar": 'root ::= "a" root "a" | "a" | root root'}
    yield {"json_schema": {"type": "string", "pattern": "(a|b)*a(a|b){20}$", "maxLength": 5000}}
    yield {"json_schema": {"type": "string", "minLength": 900000, "maxLength": 999999}}
    yield {"json_schema": {"properties": {f"p{i}": {"type": "string", "pattern": f"x{i}+y*"} for i in range(1500)}}}


def check_golden():
    """What the unit tests' grammars accept is valid for the other validator too."""
    cases = Path(__file__).parent.parent / "GrammarsTests/Golden/schema-cases.json"
    for case in json.loads(cases.read_text()):
        validator = jsonschema.Draft202012Validator(
            case["schema"], format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        )
        for text in case["accepted"]:
            validator.validate(json.loads(text))


SUITE = Suite(f"structured output with openai {openai.__version__}", __doc__)


def together(client, jobs):
    """Runs (name, function, argument…) for all jobs, eight at a time; counts what they return."""
    counts, failures = Counter(), []
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        futures = {pool.submit(job[1], client, *job[2:]): job[0] for job in jobs}
        for future in concurrent.futures.as_completed(futures):
            try:
                counts[future.result()] += 1
            except Exception as error:
                failures.append(f"{futures[future]}: {type(error).__name__}: {str(error)[:400]}")
    assert not failures, "\n".join(failures)
    return f"{len(jobs)} answers, {dict(counts)}"


@SUITE.check
def answers_by_schemas(client):
    jobs = [(f"{n} at {t}", check_schema, n, t) for n in SCHEMAS for t in TEMPERATURES]
    return together(client, jobs)


@SUITE.check
def answers_by_expressions_and_grammars(client):
    jobs = [(f"{n} at {t}", check_text, n, t) for n in TEXTS for t in TEMPERATURES]
    jobs += [(f"json_object at {t}", check_object, t) for t in TEMPERATURES]
    jobs += [(f"completion at {t}", check_completion, t) for t in TEMPERATURES]
    return together(client, jobs)


@SUITE.check
def streams_what_it_answers(client):
    return together(client, [(f"streams at {t}", check_streams, t) for t in (0, 1)])


@SUITE.check
def refuses_with_the_path(client):
    jobs = [(f"refuses {n}", check_refusal, n, s) for n in REFUSED for s in (False, True)]
    return together(client, jobs)


@SUITE.check
def accepts_what_the_unit_tests_accept(client):
    check_golden()


@SUITE.check
def survives_hostile_constraints(client):
    jobs = [(f"hostile {i}", check_hostile, body) for i, body in enumerate(hostile())]
    return together(client, jobs)


def connect(root):
    return openai.OpenAI(base_url=f"{root}/v1", api_key="none", max_retries=4, timeout=300)


if __name__ == "__main__":
    SUITE.run(connect)
