#!/usr/bin/env python3
"""Ask for outputs under random JSON Schemas and check them with a validator that is not our own.

Starts `torii serve` with the starter model. Every keyword of draft 2020-12 turns up in the schemas, in
combinations that nobody has thought of. An answer that ended by itself must validate; a schema that cannot
be enforced must be refused with 400 and the path of the keyword. TORII_SCHEMA_SEED=N gives other schemas,
TORII_SCHEMA_COUNT=N more of them. The exit status is 1 when anything failed.
"""

import concurrent.futures
import json
import os
import random
from collections import Counter

import jsonschema
import openai
from daemon import SMOL as MODEL
from daemon import Suite, ask

SEED = int(os.environ.get("TORII_SCHEMA_SEED", "1"))
COUNT = int(os.environ.get("TORII_SCHEMA_COUNT", "100"))
PATTERNS = [
    "^[a-z]+$", "[0-9]", "^a|b$", "^(foo|bar)+$", r"\d{2,3}", r"^\w+ \w+$", "^[^x]*$", "é", "^.$", "^$",
    "a.c", "^(?:ab)?c+$",
]  # fmt: skip
FORMATS = [
    "date", "time", "date-time", "uuid", "ipv4", "ipv6", "email", "hostname", "uri", "duration", "regex",
    "json-pointer", "uri-template",
]  # fmt: skip
LITERALS = [1, 0, -3, 2.5, "a", "é", 'x"y', True, False, None, [1, "b"], {"k": 1}, "", 12345678901, 1e3]
NAMES = ["a", "b", "name", "x_y", "é", 'quo"te', "n_1"]
# Steps that binary fractions hold exactly: the validator computes with those.
STEPS = [1, 2, 3, 0.5, 7, 10, 0.25, 1.5]
TYPES = ["string", "integer", "null", "boolean", "array", "object", "number"]


class Schemas:
    """Makes random schemas, the same ones for the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, **keywords):
        """Each keyword by its chance; a value is a function, called only if it is wanted."""
        return {
            name: value() for name, (chance, value) in keywords.items() if self.random.random() < chance
        }

    def pick(self, values):
        return lambda: self.random.choice(values)

    def count(self, low, high):
        return lambda: self.random.randint(low, high)

    def literals(self, count):
        return [self.random.choice(LITERALS) for _ in range(count)]

    def whole(self):
        """A schema that stands by itself."""
        schema = self.schema(3)
        if "#/$defs/" in json.dumps(schema):
            schema["$defs"] = {name: self.schema(2) for name in ("d0", "d1")}
        return schema

    def schema(self, depth):
        if depth <= 0 or self.random.random() < 0.1:
            return self.leaf()
        kinds = [self.string, self.number, self.object, self.object, self.array, self.array, self.combination]
        kinds += [self.combination, self.enumeration, self.several_types, self.reference]
        notes = self.some(title=(0.1, lambda: "t"), default=(0.05, self.pick(LITERALS)))
        return {**self.random.choice(kinds)(depth), **notes}

    def leaf(self):
        plain = [{"type": "integer"}, {"type": "string", "maxLength": 8}, {"type": "boolean"}, {}]
        return self.random.choice([*plain, {"const": self.random.choice(LITERALS)}, {"enum": self.literals(3)}])

    def string(self, _):
        return {"type": "string"} | self.some(
            minLength=(0.3, self.count(0, 4)), maxLength=(0.5, self.count(3, 30)),
            pattern=(0.35, self.pick(PATTERNS)), format=(0.2, self.pick(FORMATS)),
            contentEncoding=(0.1, lambda: "base64"),
        )  # fmt: skip

    def number(self, _):
        low, high = self.pick([0, 1, -5, 10, 99, 0.5, -2.25, 1000]), self.pick([5, 10, 100, 12.5, 1e4, 1])
        return {"type": self.random.choice(["number", "integer"])} | self.some(
            minimum=(0.4, low), maximum=(0.4, high), exclusiveMinimum=(0.2, low), exclusiveMaximum=(0.2, high),
            multipleOf=(0.25, self.pick(STEPS)),
        )  # fmt: skip

    def object(self, depth):
        names = self.random.sample(NAMES, self.random.randint(0, 4))
        inner = lambda: self.schema(depth - 1)  # noqa: E731
        return {"type": "object", "properties": {name: inner() for name in names}} | self.some(
            required=(0.5, lambda: self.random.sample([*names, "zz"], self.random.randint(0, len(names)))),
            additionalProperties=(0.5, lambda: self.random.choice([False, True, inner()])),
            patternProperties=(0.2, lambda: {self.random.choice(["^n_", "^[a-c]$", "x"]): inner()}),
            propertyNames=(0.2, self.pick([{"maxLength": 6}, {"pattern": "^[a-z]+$"}, {"enum": NAMES[:3]}])),
            minProperties=(0.2, self.count(0, 3)), maxProperties=(0.25, self.count(0, 5)),
            dependentRequired=(0.1, lambda: {"a": ["b"]}), unevaluatedProperties=(0.05, lambda: False),
        )  # fmt: skip

    def array(self, depth):
        inner = lambda: self.schema(depth - 1)  # noqa: E731
        return {"type": "array"} | self.some(
            items=(0.6, inner), prefixItems=(0.3, lambda: [inner() for _ in range(self.random.randint(1, 3))]),
            minItems=(0.3, self.count(0, 3)), maxItems=(0.6, self.count(1, 5)),
            uniqueItems=(0.1, self.pick([True, False])), contains=(0.1, inner),
        )  # fmt: skip

    def combination(self, depth):
        parts = [self.schema(depth - 1) for _ in range(self.random.randint(1, 3))]
        return {self.random.choice(["anyOf", "oneOf", "allOf"]): parts} | self.some(
            type=(0.4, self.pick([*TYPES, ["string", "null"]])),
            properties=(0.3, lambda: {"a": self.schema(depth - 1)}),
        )

    def enumeration(self, _):
        return {"enum": self.literals(self.random.randint(1, 4))} | self.some(type=(0.3, self.pick(TYPES)))

    def several_types(self, _):
        return {"type": self.random.sample(TYPES, self.random.randint(1, 3))} | self.some(
            maxLength=(0.4, self.count(0, 9)), maximum=(0.4, self.count(-5, 99)), maxItems=(0.3, self.count(0, 3))
        )

    def reference(self, _):
        return {"$ref": "#/$defs/" + self.random.choice(["d0", "d1"])}


def check(client, number, schema):
    """What came of one schema; a sentence that begins with ! if that is wrong."""
    wanted = {"name": "answer", "schema": schema, "strict": number % 2 == 0}
    try:
        choice = client.chat.completions.create(
            model=MODEL, messages=ask("Write some JSON."), temperature=(0, 1, 1.6)[number % 3], seed=number,
            max_tokens=120, response_format={"type": "json_schema", "json_schema": wanted},
        ).choices[0]  # fmt: skip
    except openai.BadRequestError as error:
        is_named = (error.param or "").startswith("response_format.json_schema.schema")
        return "refused" if is_named else f"! refused without a path: {error}"
    if choice.finish_reason != "stop":
        return choice.finish_reason
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    try:
        validator.validate(json.loads(choice.message.content))
    except (ValueError, jsonschema.ValidationError) as error:
        return f"! {choice.message.content!r}: {error}"
    return "valid"


SUITE = Suite(f"random schemas with openai {openai.__version__}, seed {SEED}", __doc__)


@SUITE.check
def answers_validate_or_schemas_are_refused(client):
    schemas = [Schemas(f"{SEED} {number}").whole() for number in range(COUNT)]
    for schema in schemas:
        jsonschema.Draft202012Validator.check_schema(schema)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda job: check(client, *job), enumerate(schemas)))
    failures = [
        f"{outcome[:400]}\n  {json.dumps(schema)[:600]}"
        for outcome, schema in zip(outcomes, schemas)
        if outcome.startswith("!")
    ]
    assert not failures, "\n".join(failures)
    counts = Counter(outcomes)
    # Mostly refusals would show nothing.
    assert counts["valid"] > COUNT * 0.4, counts
    return f"{COUNT} schemas, {dict(counts)}"


def connect(root):
    return openai.OpenAI(base_url=f"{root}/v1", api_key="none", max_retries=4, timeout=300)


if __name__ == "__main__":
    SUITE.run(connect)
