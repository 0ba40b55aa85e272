"""What is computed beside others, again or ahead of time is what is computed alone."""

from figures import median
from prompts import Prompts
from serving import QWEN
from streaming import gather

CODE = '''class Basket:
    """Things that somebody wants to buy, with their prices in cents."""

    def __init__(self, owner):
        self.owner = owner
        self.items = {}

    def add(self, name, price, count=1):
        if count < 1:
            raise ValueError("count must be at least 1")
        _, before = self.items.get(name, (price, 0))
        self.items[name] = (price, before + count)

    def remove(self, name, count=1):
        price, before = self.items[name]
        if count >= before:
            del self.items[name]
        else:
            self.items[name] = (price, before - count)

    def total(self):
        return sum(price * count for price, count in self.items.values())

    def receipt(self):
        lines = [f"Basket of {self.owner}"]
        for name, (price, count) in sorted(self.items.items()):
            lines.append(f"{count} x {name}: {price * count / 100:.2f}")
        lines.append(f"total: {self.total() / 100:.2f}")
        return "\\n".join(lines)
'''
EDIT = f"Rename the method `add` to `put` and give back the whole file, otherwise unchanged.\n\n```python\n{CODE}```"


def first_difference(texts):
    """Where the texts part, for a reader of a failure."""
    base = texts[0]
    for number, text in enumerate(texts):
        if text != base:
            pairs = enumerate(zip(base, text, strict=False))
            place = next((index for index, (one, other) in pairs if one != other), min(len(base), len(text)))
            return f"text {number} at character {place}: {text[place:][:40]!r}, not {base[place:][:40]!r}"
    return ""


async def determinism(bench, report):
    """The same seed and prompt give the same text alone, from the cache, in a crowd of 32 and as one of 4."""
    options = {"temperature": 0.8, "max_tokens": 96, "ignore_eos": True}
    seed = 7
    alone, again, crowded, choices = [], [], [], []
    async with bench.serve() as server:
        prompts = Prompts(server.client)
        for _ in range(bench.rounds):
            chat = await prompts.chat(600, "Go on with it.")
            others = [await prompts.chat(20 + 40 * number, "Go on with it.") for number in range(31)]
            one = await server.client.chat(chat, seed=seed, **options)
            two = await server.client.chat(chat, seed=seed, **options)
            many = await gather(
                *(server.client.chat(other, seed=number, **options) for number, other in enumerate(others)),
                server.client.chat(chat, seed=seed, **options),
            )
            # Choice k of a request samples with the seed plus k.
            singles = [await server.client.chat(chat, seed=seed + k, **options) for k in range(4)]
            four = await server.client.chat(chat, seed=seed, n=4, **options)
            alone.append(one.text)
            again.append(two.text)
            crowded.append(many[-1].text)
            choices.append(([single.text for single in singles], [four.texts.get(k, "") for k in range(4)]))
        cached = two.cached_tokens
    report.figure("tokens from the cache the second time", cached, "tokens")
    for label, texts in (("from the cache", again), ("in a crowd of 32", crowded)):
        different = [first_difference(pair) for pair in zip(alone, texts, strict=True) if pair[0] != pair[1]]
        report.claim(f"the same text {label}", not different, "; ".join(different[:1]))
    different = [
        f"choice {k}: {first_difference([single, choice])}"
        for singles, four in choices
        for k, (single, choice) in enumerate(zip(singles, four, strict=True))
        if single != choice
    ]
    report.claim("the same four texts with n=4", not different, "; ".join(different[:1]))
    report.claim("other seeds give other texts", all(len(set(four)) == 4 for _, four in choices))


async def speculation(bench, report):
    """Guessing ahead changes no text and pays where an answer repeats its prompt."""
    speeds, texts = {}, {}
    for _ in range(bench.rounds):
        for mode in ("off", "on"):
            async with bench.serve("--speculation", mode, model=QWEN) as server:
                article = await Prompts(server.client).text(700)
                summary = f"{article}\n\nSummarise this text in a few sentences, with quotes from it."
                await server.client.chat("Say hello.", max_tokens=8)
                for name, prompt in (("code edit", EDIT), ("summary", summary)):
                    answer = await server.client.chat(prompt, max_tokens=400)
                    decode = answer.ended - answer.sent - answer.first_token
                    speeds.setdefault((name, mode), []).append((answer.output_tokens - 1) / decode)
                    texts.setdefault(name, []).append(answer.text)
                if mode == "on":
                    drafts = (await server.state())["worker"]
    for name, found in texts.items():
        report.claim(f"{name}: the same text", len(set(found)) == 1, first_difference(found))
    if "draft_token_total" in drafts:
        report.figure("tokens that were guessed", drafts["draft_token_total"], at_least=1)
        report.figure("of which right", drafts["accepted_draft_token_total"])
    for name in texts:
        pairs = zip(speeds[name, "on"], speeds[name, "off"], strict=True)
        report.figure(f"{name}: off", median(speeds[name, "off"]), "tokens/s")
        report.figure(
            f"{name}: on against off, median", median([ours / base for ours, base in pairs]), "times",
            at_least=bench.minimum_speculation,
        )  # fmt: skip
