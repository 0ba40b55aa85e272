#!/usr/bin/env python3
"""Extract typed objects from a daemon's answers with instructor, in every mode that fits OpenAI's API."""

import asyncio
from enum import Enum
from typing import Literal

import instructor
import openai
from daemon import QWEN, Suite, ask
from pydantic import BaseModel, Field

SUITE = Suite("instructor", __doc__, [QWEN])
TEXT = "Anna Berg is 34 years old and works as a carpenter in Oslo."


class Person(BaseModel):
    """A person."""

    name: str
    age: int = Field(ge=0, le=150)
    city: str


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


class Review(BaseModel):
    mood: Mood
    stars: Literal[1, 2, 3, 4, 5]
    words: list[str] = Field(min_length=1, max_length=3)


def extract(client, mode, **more):
    patched = instructor.from_openai(client, mode=mode)
    return patched.chat.completions.create(
        model=QWEN,
        messages=ask(f"Who is this? {TEXT}"),
        response_model=Person,
        max_retries=0,
        temperature=0,
        max_tokens=300,
        **more,
    )


def verified(person):
    assert (person.age, person.city) == (34, "Oslo"), person
    assert person.name.startswith("Anna"), person


@SUITE.check
def extracts_with_tools(client):
    verified(extract(client, instructor.Mode.TOOLS))


@SUITE.check
def extracts_with_strict_tools(client):
    verified(extract(client, instructor.Mode.TOOLS_STRICT))


@SUITE.check
def extracts_with_a_json_object(client):
    verified(extract(client, instructor.Mode.JSON))


@SUITE.check
def extracts_with_a_schema(client):
    verified(extract(client, instructor.Mode.JSON_SCHEMA))


@SUITE.check
def keeps_to_enumerations_and_bounds_at_high_temperature(client):
    patched = instructor.from_openai(client, mode=instructor.Mode.JSON_SCHEMA)
    for seed in range(5):
        patched.chat.completions.create(
            model=QWEN,
            messages=ask("Review: the soup was cold and the waiter rude. Give a few words."),
            response_model=Review,
            max_retries=0,
            temperature=1.5,
            seed=seed,
            max_tokens=600,
        )


@SUITE.check
def streams_partial_objects(client):
    patched = instructor.from_openai(client, mode=instructor.Mode.TOOLS)
    pieces = list(
        patched.chat.completions.create_partial(
            model=QWEN,
            messages=ask(f"Who is this? {TEXT}"),
            response_model=Person,
            max_retries=0,
            temperature=0,
            max_tokens=300,
        )
    )
    assert len(pieces) > 2, pieces
    verified(pieces[-1])


@SUITE.check
def streams_several_objects(client):
    patched = instructor.from_openai(client, mode=instructor.Mode.TOOLS)
    people = list(
        patched.chat.completions.create_iterable(
            model=QWEN,
            messages=ask(f"List the people. {TEXT} Olav Lie is 51 years old and lives in Bergen."),
            response_model=Person,
            max_retries=0,
            temperature=0,
            max_tokens=400,
        )
    )
    assert people and all(isinstance(person, Person) for person in people), people
    return f"{len(people)} people"


@SUITE.check
def works_asynchronously(client):
    async def main():
        other = openai.AsyncOpenAI(base_url=client.base_url, api_key="none", max_retries=0)
        patched = instructor.from_openai(other, mode=instructor.Mode.TOOLS)
        return await patched.chat.completions.create(
            model=QWEN,
            messages=ask(f"Who is this? {TEXT}"),
            response_model=Person,
            max_retries=0,
            temperature=0,
            max_tokens=300,
        )

    verified(asyncio.run(main()))


def connect(root):
    return openai.OpenAI(base_url=f"{root}/v1", api_key="none", max_retries=0, timeout=120)


if __name__ == "__main__":
    SUITE.run(connect)
