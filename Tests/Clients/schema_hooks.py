"""What schemathesis needs to know about a daemon: see schema_examples.py."""

import os
import random

import schemathesis

MODEL = os.environ["TORII_MODEL"]
# Answers are cut here: what is tested is the API, not the model.
MOST_TOKENS = 4


def names_a_model(body):
    """Most requests should get past the question whether there is such a model."""
    return isinstance(body.get("model"), str) and random.Random(str(body)).random() < 0.8


@schemathesis.hook
def map_body(context, body):
    """Keeps valid requests cheap, and leaves invalid ones as they are."""
    if not isinstance(body, dict):
        return body
    if names_a_model(body):
        body["model"] = MODEL
    if "messages" in body or "prompt" in body:
        for name in ("max_tokens", "max_completion_tokens", "min_tokens"):
            value = body.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > MOST_TOKENS:
                body[name] = MOST_TOKENS
        if body.get("max_tokens") is None and body.get("max_completion_tokens") is None:
            body["max_tokens"] = MOST_TOKENS
    return body


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Asks for the model that is there as often as for one that is not."""
    if path_parameters and "id" in path_parameters:
        if random.Random(str(path_parameters)).random() < 0.5:
            path_parameters["id"] = MODEL
    return path_parameters
