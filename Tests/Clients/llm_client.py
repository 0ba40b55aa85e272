#!/usr/bin/env python3
"""Use a daemon from Simon Willison's `llm` command, configured as its manual says."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from daemon import QWEN, Suite

SUITE = Suite("llm", __doc__, [QWEN])
QUESTION = "What is the capital of France? Answer with one word."


class Command:
    """The `llm` command with a configuration folder of its own."""

    def __init__(self, root):
        self.folder = tempfile.TemporaryDirectory()
        Path(self.folder.name, "extra-openai-models.yaml").write_text(
            f"- model_id: torii\n  model_name: {QWEN}\n  api_base: {root}/v1\n"
            "  supports_schema: true\n  supports_tools: true\n"
            f"- model_id: torii-text\n  model_name: {QWEN}\n  api_base: {root}/v1\n"
            "  completion: true\n"
        )

    def __call__(self, *arguments, text=""):
        """What the command writes."""
        result = self.run(*arguments, text=text)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def run(self, *arguments, text=""):
        """The command's result, also if it fails."""
        environment = {**os.environ, "LLM_USER_PATH": self.folder.name, "OPENAI_API_KEY": "none"}
        return subprocess.run(
            [sys.executable, "-m", "llm", *arguments],
            input=text,
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
        )


@SUITE.check
def knows_the_model(llm):
    assert "torii" in llm("models")


@SUITE.check
def streams_an_answer(llm):
    assert "Paris" in llm("-m", "torii", "-o", "temperature", "0", QUESTION)


@SUITE.check
def answers_at_once(llm):
    assert "Paris" in llm("-m", "torii", "--no-stream", "-o", "temperature", "0", QUESTION)


@SUITE.check
def takes_a_system_prompt_and_standard_input(llm):
    answer = llm(
        "-m", "torii", "-s", "Repeat what the user says.", "-o", "temperature", "0", text="blue whale"
    )
    assert "whale" in answer.lower(), answer


@SUITE.check
def goes_on_with_a_conversation(llm):
    llm("-m", "torii", "-o", "temperature", "0", "My name is Olav. Greet me by my name.")
    answer = llm("-c", "-o", "temperature", "0", "What is my name? Answer with one word.")
    assert "Olav" in answer, answer


@SUITE.check
def follows_a_schema(llm):
    answer = llm(
        "-m", "torii", "--schema", "name, country, inhabitants int", "-o", "temperature", "0",
        "-o", "max_tokens", "200", "Describe Paris.",
    )
    assert set(json.loads(answer)) == {"name", "country", "inhabitants"}, answer


@SUITE.check
def calls_a_tool(llm):
    function = 'def get_weather(city: str) -> str:\n    "Get the weather of a city"\n    return "sunny, 21 degrees"\n'
    result = llm.run(
        "-m", "torii", "--functions", function, "--chain-limit", "2", "--td",
        "-o", "temperature", "0", "-o", "max_tokens", "100", "What is the weather in Paris?",
    )
    # The model may call again instead of answering, which is one call too many.
    assert result.returncode == 0 or "Chain limit" in result.stderr, result.stderr
    assert "get_weather" in result.stderr and "sunny, 21 degrees" in result.stderr, result.stderr


@SUITE.check
def completes_text(llm):
    answer = llm("-m", "torii-text", "-o", "max_tokens", "5", "The capital of France is")
    assert answer.strip(), answer


if __name__ == "__main__":
    SUITE.run(Command)
