"""The checks of check-serving, by what they are about."""

from dataclasses import dataclass, field
from pathlib import Path

from serving import SMOLLM2, Torii
from streaming import Failure

# Tokens by which a cached prefix may be shorter than the shared one: keys and values are kept in blocks.
BLOCK = 32


@dataclass
class Bench:
    """What the checks need to know about this run."""

    torii: str
    models: Path
    rounds: int
    minutes: float = 1
    queue_wait: float = 60
    flags: list[str] = field(default_factory=list)
    queue_flags: list[str] = field(default_factory=list)
    minimum_speculation: float = 1.0
    fault_rounds: int = 3

    def serve(self, *flags, model=SMOLLM2, **more):
        """A daemon of our own with further flags; `async with` starts and stops it."""
        return Torii(self.torii, self.models / f"{model}.gguf", [*self.flags, *flags], **more)


def openai_client(server, **options):
    """The stock client, as its documentation says to make one."""
    try:
        import openai
    except ImportError:
        raise Failure(
            "this needs the openai package: python3 -m venv VENV && VENV/bin/pip install openai,"
            " then run this script with VENV/bin/python"
        ) from None
    client = server.client
    return openai.AsyncOpenAI(
        base_url=f"http://{client.host}:{client.port}/v1", api_key=client.key or "none", **options
    )


async def drop_all(answers):
    """Hangs up on all and waits until the connections are closed."""
    for answer in answers:
        answer.drop()
    for answer in answers:
        await answer.end(within=10)
