#!/usr/bin/env python3
"""Write smollm.txt and qwen2.txt: texts, and what Hugging Face's `tokenizers` makes of them.

Run with a Python that has `gguf` and `tokenizers` (pip install gguf tokenizers), after
Tests/fetch-models. The library gets the vocabulary and merges out of the model file and the rules
that the models' own tokenizer.json files have. Each line is a text's UTF-8 in hexadecimal and its
tokens. Qwen's tokenizer.json also asks for Unicode normalisation (NFC), of which model files and
llama.cpp know nothing: it is left out here too.
"""

import os
import random
import unicodedata
from pathlib import Path

from gguf import GGUFReader
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
FAMILIES = {
    "smollm": (
        "smollm2-135m-instruct.q4_1.gguf",
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ],
    ),
    "qwen2": (
        "qwen2.5-coder-0.5b-instruct.Q4_K_M.gguf",
        [
            pre_tokenizers.Split(Regex(QWEN2), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ],
    ),
}
BLANKS = [" ", "  ", "   ", "\t", "\n", "\n\n", "\r", "\r\n", "\u00a0", "\u2003", "\u3000",
          "\u0085", "\x0b", "\x0c", "\u2028", "\u1680", "\u200b", "\ufeff", "\x1c"]
CONTRACTIONS = ["'s", "'S", "'t", "'re", "'RE", "'ve", "'m", "'ll", "'LL", "'lL", "'d", "'", "'x",
                "\u2019s", "'\u017f"]
WORDS = ["Hello", "world", "été", "naïve", "straße", "ДОМ", "слово", "漢字", "かな", "한국어",
         "عربى", "हिन्दी", "ไทย", "a", "I", "x2", "foo_bar", "ǅ", "ʰ", "ª", "supercalifragilistic",
         "return", "self.value", "#include"]
NUMBERS = ["1", "12", "123", "1234567", "٣", "½", "Ⅷ", "²", "०", "３", "3.14"]
SYMBOLS = ["!", "?", "...", "#", "=>", "€", "😀", "👩\u200d👩\u200d👧", "\u0301", "\ufe0f", "\u20dd",
           "_", "-", '"', "`", "```", "\\", "/", "§", "\x01", "\x04", "\x7f", "<|im_start|>", "</s>"]


def random_character(source):
    while True:
        code = source.choice([source.randrange(1, 0x3000), source.randrange(1, 0x33500)])
        # Python's tables are of Unicode 14; younger characters differ between tools.
        if unicodedata.category(chr(code)) not in ("Cn", "Cs"):
            return chr(code)


def random_text(source):
    kinds = [BLANKS] * 6 + [CONTRACTIONS] * 2 + [WORDS] * 6 + [NUMBERS] * 2 + [SYMBOLS] * 3
    parts = []
    for _ in range(source.randrange(1, 24)):
        kind = source.choice(kinds + [None] * 3)
        parts.append(source.choice(kind) if kind else random_character(source))
    return "".join(parts)


def tokenizer(path, steps):
    reader = GGUFReader(path)
    strings = lambda key: [
        bytes(reader.fields[key].parts[index]).decode() for index in reader.fields[key].data
    ]
    vocabulary = {}
    for index, token in enumerate(strings("tokenizer.ggml.tokens")):
        vocabulary.setdefault(token, index)
    merges = [tuple(merge.split(" ")) for merge in strings("tokenizer.ggml.merges")]
    result = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    result.pre_tokenizer = pre_tokenizers.Sequence(steps)
    return result


cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
folder = Path(os.environ.get("TORII_TEST_MODELS") or cache / "torii" / "test-models")
for family, (file_name, steps) in FAMILIES.items():
    source = random.Random(20)
    encoder = tokenizer(folder / file_name, steps)
    lines = []
    for _ in range(150):
        text = random_text(source)
        tokens = encoder.encode(text, add_special_tokens=False).ids
        lines.append(f"{text.encode().hex()} {' '.join(map(str, tokens))}\n")
    Path(__file__).with_name(f"{family}.txt").write_text("".join(lines))
