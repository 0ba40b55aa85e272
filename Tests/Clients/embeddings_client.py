#!/usr/bin/env python3
"""Make embeddings with the stock `openai` client, sync and async, and with LangChain's.

Starts `torii serve` with all-MiniLM-L6-v2 and the starter model (Tests/fetch-models puts both in place),
runs every check, and stops it. Each check prints one line; the exit status is 1 when any failed.
"""

import asyncio
import base64
import json
import math
import struct
import urllib.error
import urllib.request

import openai
from daemon import MINILM as EMBEDDER
from daemon import SMOL as MODEL
from daemon import Suite, ask
from langchain_openai import OpenAIEmbeddings

DIMENSIONS = 384
SUITE = Suite(f"embeddings with openai {openai.__version__}", __doc__, models=(EMBEDDER, MODEL))
check = SUITE.check


def length(vector):
    return math.sqrt(sum(x * x for x in vector))


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / length(a) / length(b)


def refused(call, status, parameter, words=""):
    """The error of a call that must fail so."""
    try:
        call()
    except openai.APIStatusError as error:
        assert error.status_code == status, (error.status_code, error.body)
        assert error.param == parameter, error.body
        assert words in error.message, error.message
        return error
    raise AssertionError("it was accepted")


def post(client, path, body):
    request = urllib.request.Request(
        f"{client.root}{path}", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


@check
def vectors_mean_what_texts_mean(client):
    texts = ["A man is eating food.", "A man is eating a piece of bread.", "The cosmos is expanding."]
    answer = client.embeddings.create(model=EMBEDDER, input=texts)
    assert [element.index for element in answer.data] == [0, 1, 2]
    vectors = [element.embedding for element in answer.data]
    assert all(len(v) == DIMENSIONS and abs(length(v) - 1) < 1e-5 for v in vectors)
    near, far = cosine(vectors[0], vectors[1]), cosine(vectors[0], vectors[2])
    # What sentence-transformers says of these sentences.
    assert abs(near - 0.7553) < 0.01 and far < 0.2, (near, far)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 8 + 11 + 7, answer.usage
    assert answer.model == EMBEDDER


@check
def base64_and_floats_are_the_same(client):
    texts = ["one", "two words"]
    # The client asks for base64 unless told otherwise, and decodes it.
    default = client.embeddings.create(model=EMBEDDER, input=texts)
    floats = client.embeddings.create(model=EMBEDDER, input=texts, encoding_format="float")
    raw = post(client, "/v1/embeddings", dict(model=EMBEDDER, input=texts, encoding_format="base64"))
    plain = post(client, "/embeddings", dict(model=EMBEDDER, input=texts))
    for index in range(2):
        bits = base64.b64decode(raw["data"][index]["embedding"])
        expected = struct.unpack(f"<{DIMENSIONS}f", bits)
        for answer in (default.data[index].embedding, floats.data[index].embedding,
                       plain["data"][index]["embedding"]):  # fmt: skip
            # As 32-bit floats, all digits are right.
            packed = struct.unpack(f"<{DIMENSIONS}f", struct.pack(f"<{DIMENSIONS}f", *answer))
            assert packed == expected


@check
def texts_and_their_tokens_are_the_same(client):
    text = "An unaffable sentence, tokenised by hand."
    ids = post(client, "/tokenize", dict(model=EMBEDDER, content=text))["tokens"]
    framed = [101, *ids, 102]
    by_text = client.embeddings.create(model=EMBEDDER, input=text).data[0].embedding
    for value in (framed, [framed]):
        assert client.embeddings.create(model=EMBEDDER, input=value).data[0].embedding == by_text
    several = client.embeddings.create(model=EMBEDDER, input=["x", text, "y " * 300]).data
    assert several[1].embedding == by_text, "neighbours change nothing, bit for bit"


@check
def many_texts_come_in_order(client):
    texts = [f"number {n}" + " and more" * (n % 40) for n in range(2048)]
    answer = client.embeddings.create(model=EMBEDDER, input=texts)
    assert [element.index for element in answer.data] == list(range(2048))
    for n in (0, 39, 1024, 2047):
        alone = client.embeddings.create(model=EMBEDDER, input=texts[n]).data[0].embedding
        assert alone == answer.data[n].embedding
    refused(lambda: client.embeddings.create(model=EMBEDDER, input=["a"] * 2049), 400, "input", "2048")


@check
def dimensions_are_cut_and_scaled(client):
    whole = client.embeddings.create(model=EMBEDDER, input="text").data[0].embedding
    cut = client.embeddings.create(model=EMBEDDER, input="text", dimensions=128).data[0].embedding
    assert len(cut) == 128 and abs(length(cut) - 1) < 1e-5
    assert abs(cosine(cut, whole[:128]) - 1) < 1e-6
    refused(
        lambda: client.embeddings.create(model=EMBEDDER, input="text", dimensions=385),
        400, "dimensions", "384",
    )  # fmt: skip


@check
def wrong_requests_are_told_what_is_wrong(client):
    def create(**arguments):
        return lambda: client.embeddings.create(**{"model": EMBEDDER, **arguments})

    refused(create(input=""), 400, "input")
    refused(create(input=[]), 400, "input")
    refused(create(input=["a", ""]), 400, "input[1]")
    refused(create(input=[[]]), 400, "input[0]")
    refused(create(input=[30522]), 400, "input", "30522")
    refused(create(input="word " * 600), 400, "input", "602")
    long = refused(create(input=["a", "word " * 600]), 400, "input[1]", "602")
    assert long.code == "context_length_exceeded"
    refused(create(input="a", model="nothing"), 404, "model")
    refused(create(input="a", model=MODEL), 400, "model", "/v1/chat/completions")
    for call in (
        lambda: client.chat.completions.create(model=EMBEDDER, messages=ask("hello")),
        lambda: client.completions.create(model=EMBEDDER, prompt="hello"),
    ):
        refused(call, 400, "model", "/v1/embeddings")


@check
def rerank_needs_a_model_for_it(client):
    try:
        post(client, "/v1/rerank", dict(model=EMBEDDER, query="q", documents=["a"]))
    except urllib.error.HTTPError as error:
        assert error.code == 400 and json.load(error)["error"]["param"] == "model"
    else:
        raise AssertionError("an embedding model scored documents")


@check
def the_model_says_what_it_can_do(client):
    listed = {model.id: model for model in client.models.list().data}
    assert listed[EMBEDDER].capabilities == ["embedding"], listed[EMBEDDER]
    with urllib.request.urlopen(f"{client.root}/admin/v1/models/{EMBEDDER}") as answer:
        facts = json.load(answer)["facts"]
    assert facts["tasks"] == ["embed"] and facts["pooling"] == "mean", facts


@check
def works_async_and_side_by_side(client):
    async def main():
        async with openai.AsyncOpenAI(base_url=client.base_url, api_key="none") as other:
            calls = [
                other.embeddings.create(model=EMBEDDER, input=[f"text {n}", "same"]) for n in range(16)
            ]
            return await asyncio.gather(*calls)

    answers = asyncio.run(main())
    same = {tuple(answer.data[1].embedding) for answer in answers}
    assert len(same) == 1 and len({tuple(a.data[0].embedding) for a in answers}) == 16


@check
def works_with_langchain(client):
    embeddings = OpenAIEmbeddings(
        model=EMBEDDER, base_url=str(client.base_url), api_key="none",
        # LangChain would send tokens of OpenAI's vocabulary.
        check_embedding_ctx_length=False,
    )  # fmt: skip
    documents = embeddings.embed_documents(["first", "second"])
    assert [len(vector) for vector in documents] == [DIMENSIONS, DIMENSIONS]
    assert cosine(embeddings.embed_query("first"), documents[0]) > 0.999999
    assert asyncio.run(embeddings.aembed_query("first")) == embeddings.embed_query("first")


def connect(root):
    client = openai.OpenAI(base_url=f"{root}/v1", api_key="none", max_retries=0, timeout=120)
    client.root = root
    return client


if __name__ == "__main__":
    SUITE.run(connect)
