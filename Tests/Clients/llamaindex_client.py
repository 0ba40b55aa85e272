#!/usr/bin/env python3
"""Use a daemon from LlamaIndex, through its class for servers like OpenAI's.

Completions, chats and their streams, both also asynchronously, tools, and structured predictions.
"""

import asyncio

from daemon import QWEN, Suite
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

SUITE = Suite("llama-index-llms-openai-like", __doc__, [QWEN])
QUESTION = "What is the capital of France? Answer with one word."


class City(BaseModel):
    """A city."""

    name: str
    country: str


def get_weather(city: str) -> str:
    """Get the current weather of a city."""
    return f"It is sunny in {city}, 21 degrees."


@SUITE.check
def completes(llm):
    answer = llm.complete(QUESTION)
    assert "Paris" in answer.text, answer
    assert answer.raw.usage.total_tokens > 0, answer.raw


@SUITE.check
def completes_without_a_chat(llm):
    plain = llm.model_copy(update={"is_chat_model": False})
    answer = plain.complete("The capital of France is", max_tokens=5)
    assert "Paris" in answer.text, answer


@SUITE.check
def streams_a_completion(llm):
    pieces = list(llm.stream_complete(QUESTION))
    assert "".join(piece.delta for piece in pieces) == pieces[-1].text
    assert "Paris" in pieces[-1].text, pieces[-1]


@SUITE.check
def chats(llm):
    messages = [
        ChatMessage(role="system", content="You answer with one word."),
        ChatMessage(role="user", content="What is the capital of Italy?"),
        ChatMessage(role="assistant", content="Rome"),
        ChatMessage(role="user", content="And of France?"),
    ]
    assert "Paris" in llm.chat(messages).message.content


@SUITE.check
def streams_a_chat(llm):
    pieces = list(llm.stream_chat([ChatMessage(role="user", content=QUESTION)]))
    assert "".join(piece.delta or "" for piece in pieces) == pieces[-1].message.content
    assert "Paris" in pieces[-1].message.content


@SUITE.check
def works_asynchronously(llm):
    async def main():
        message = ChatMessage(role="user", content=QUESTION)
        whole = await llm.achat([message])
        stream = await llm.astream_chat([message])
        text = "".join([piece.delta or "" async for piece in stream])
        completion = await llm.acomplete(QUESTION)
        return whole.message.content, text, completion.text

    whole, text, completion = asyncio.run(main())
    assert whole == text == completion and "Paris" in whole, (whole, text, completion)


@SUITE.check
def calls_a_tool(llm):
    tool = FunctionTool.from_defaults(get_weather)
    answer = llm.chat_with_tools([tool], user_msg="What is the weather in Paris?")
    calls = llm.get_tool_calls_from_response(answer)
    assert calls[0].tool_name == "get_weather", calls
    assert calls[0].tool_kwargs["city"].startswith("Paris"), calls
    output = llm.predict_and_call([tool], "What is the weather in Paris?")
    assert "sunny in Paris" in str(output), output


@SUITE.check
def calls_a_required_tool_in_a_stream(llm):
    tool = FunctionTool.from_defaults(get_weather)
    stream = llm.stream_chat_with_tools(
        [tool], user_msg="What is the weather in Paris?", tool_required=True
    )
    calls = llm.get_tool_calls_from_response(list(stream)[-1])
    assert calls[0].tool_kwargs["city"].startswith("Paris"), calls


@SUITE.check
def predicts_an_object(llm):
    prompt = PromptTemplate("Name the capital of {country}.")
    city = llm.structured_predict(City, prompt, country="France")
    assert city.name == "Paris", city
    pieces = list(llm.stream_structured_predict(City, prompt, country="France"))
    assert pieces[-1].name == "Paris", pieces[-1]


def connect(root):
    return OpenAILike(
        model=QWEN,
        api_base=f"{root}/v1",
        api_key="none",
        is_chat_model=True,
        is_function_calling_model=True,
        context_window=8192,
        temperature=0,
        max_tokens=200,
        max_retries=0,
        timeout=120,
    )


if __name__ == "__main__":
    SUITE.run(connect)
