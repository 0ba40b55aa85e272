#!/usr/bin/env python3
"""Run LangChain's standard tests of chat models against a daemon, through langchain-openai.

What LangChain holds every provider to: calls, streams and batches, both also asynchronously, usage,
stop strings, tools in all their forms, structured output with pydantic, TypedDict and JSON Schema, and
histories as agents make them. The exit status is 1 when any test failed that is not left out below.
"""

import os
import sys

import pytest
from daemon import QWEN, Suite
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests


class TestChatModel(ChatModelIntegrationTests):
    """The standard tests, with what the model can do."""

    @property
    def chat_model_class(self):
        return ChatOpenAI

    @property
    def chat_model_params(self):
        return {
            "model": QWEN,
            "base_url": os.environ["TORII_URL"] + "/v1",
            "api_key": "none",
            "temperature": 0,
            "max_tokens": 400,
            "max_retries": 0,
            "timeout": 120,
            "stream_usage": True,
        }

    @property
    def supports_json_mode(self):
        return True

    @property
    def supports_image_inputs(self):
        return False


class Outcomes:
    """What became of each test."""

    def __init__(self):
        self.passed, self.failed, self.expected = [], [], []

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.split("::")[-1]
        if hasattr(report, "wasxfail"):
            self.expected.append((name, report.wasxfail))
        elif report.failed:
            self.failed.append((name, report.longreprtext))
        elif report.passed and report.when == "call":
            self.passed.append(name)


SUITE = Suite("langchain-tests", __doc__, [QWEN])


@SUITE.check
def passes_the_standard_tests_of_chat_models(client):
    outcomes = Outcomes()
    folder = os.path.dirname(os.path.abspath(__file__))
    options = ["-q", "--no-header", "--no-summary", "--tb=short", "-p", "no:cacheprovider"]
    options += ["--asyncio-mode=auto", f"--rootdir={folder}"]
    pytest.main([*options, __file__], plugins=[outcomes])
    for name, text in outcomes.failed:
        print(f"FAILED  {name}\n{text}", flush=True)
    SUITE.exclusions = outcomes.expected
    assert not outcomes.failed, f"{len(outcomes.failed)} failed: {[n for n, _ in outcomes.failed]}"
    assert len(outcomes.passed) >= 40, outcomes.passed
    return f"{len(outcomes.passed)} tests"


def connect(root):
    os.environ["TORII_URL"] = root


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    SUITE.run(connect)
