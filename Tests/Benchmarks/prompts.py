"""Prompts of a given length in tokens, made from text that every installation with Python has."""

import argparse
import asyncio
import difflib
import functools
import inspect
import random
import textwrap
from pathlib import Path

MODULES = (argparse, asyncio.base_events, difflib, random, textwrap)
LICENCES = ("GPL-3", "GPL-2", "LGPL-2.1", "Artistic", "MPL-2.0")


@functools.cache
def words():
    """Prose, as far as this machine has licences, then code."""
    text = []
    for name in LICENCES:
        path = Path("/usr/share/common-licenses") / name
        if path.exists():
            text += path.read_text(encoding="utf-8", errors="replace").split()
    for module in MODULES:
        text += inspect.getsource(module).split()
    return text


class Prompts:
    """Makes prompts of which no two begin alike, so that one's computation is of no use to another.

    Lengths are asked of the server's own tokenizer and are exact to a token or two; what the model really
    got is in each answer's usage.
    """

    def __init__(self, client, seed=1):
        self.client = client
        self.random = random.Random(seed)
        self.number = 0

    async def text(self, token_count):
        """A text of so many tokens."""
        self.number += 1
        mark = f"Note {self.random.randrange(10**9)}-{self.number}:"
        pool = words()
        start = self.random.randrange(len(pool))
        # A word is a token or more, so this is enough.
        picked = [pool[(start + offset) % len(pool)] for offset in range(token_count + 8)]
        text = f"{mark} {' '.join(picked)}"
        tokens = await self.tokens(text)
        body = {"model": self.client.model, "tokens": tokens[:token_count]}
        return (await self.client.json("POST", "/detokenize", body))["content"]

    async def chat(self, token_count, question="Say in one sentence what this is about."):
        """A chat whose prompt has about so many tokens, the template's included."""
        overhead = len(await self.tokens(question)) + 12
        text = await self.text(max(4, token_count - overhead))
        return [{"role": "user", "content": f"{text}\n\n{question}"}]

    async def tokens(self, text, special=False):
        body = {"model": self.client.model, "content": text, "parse_special": special}
        return (await self.client.json("POST", "/tokenize", body))["tokens"]

    async def chat_tokens(self, messages):
        """What the model gets for a chat: the template's text as tokens."""
        body = {"model": self.client.model, "messages": messages}
        rendered = (await self.client.json("POST", "/apply-template", body))["prompt"]
        return await self.tokens(rendered, special=True)

    async def shared_length(self, first, second):
        """How many tokens two chats have in common from their beginning on."""
        first, second = await self.chat_tokens(first), await self.chat_tokens(second)
        pairs = enumerate(zip(first, second, strict=False))
        return next((index for index, (one, other) in pairs if one != other), min(len(first), len(second)))
