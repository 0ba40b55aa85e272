#!/usr/bin/env python3
"""Write NAME.txt for each family: texts, and what the authors' libraries make of them.

Run with a Python that has `gguf`, `tokenizers` and `sentencepiece` (pip install gguf tokenizers
sentencepiece), after Tests/fetch-models. The libraries get the vocabulary out of the model file and
the rules that the models' own tokenizer files have. Each line is a text's UTF-8 in hexadecimal and its
tokens. Qwen's tokenizer.json also asks for Unicode normalisation (NFC), of which model files and
llama.cpp know nothing: it is left out here too.
"""

import os
import random
import unicodedata
from pathlib import Path

from gguf import GGUFReader
from sentencepiece import SentencePieceProcessor
from sentencepiece.sentencepiece_model_pb2 import ModelProto
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
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


class Vocabulary:
    """The tokenizer's part of a model file."""

    def __init__(self, path):
        fields = GGUFReader(path).fields
        value = lambda key, default=None: (
            fields["tokenizer.ggml." + key].contents()
            if "tokenizer.ggml." + key in fields else default
        )
        self.tokens = value("tokens")
        self.types = value("token_type")
        self.scores = value("scores")
        self.merges = value("merges", [])
        self.character_map = bytes(value("precompiled_charsmap", []))
        self.unknown = value("unknown_token_id", 0)


def byte_pairs(*steps):
    def make(path):
        vocabulary = Vocabulary(path)
        ids = {}
        for index, token in enumerate(vocabulary.tokens):
            ids.setdefault(token, index)
        merges = [tuple(merge.split(" ")) for merge in vocabulary.merges]
        result = Tokenizer(models.BPE(vocab=ids, merges=merges))
        result.pre_tokenizer = pre_tokenizers.Sequence(list(steps))
        return lambda text: result.encode(text, add_special_tokens=False).ids

    return make


def word_pieces(path):
    vocabulary = Vocabulary(path)
    ids = {}
    for index, (token, kind) in enumerate(zip(vocabulary.tokens, vocabulary.types)):
        if kind == 1:
            token = token[1:] if token.startswith("\u2581") else "##" + token
        ids[token] = index
    result = Tokenizer(
        models.WordPiece(vocab=ids, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    result.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    result.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return lambda text: result.encode(text, add_special_tokens=False).ids


def sentence_pieces(model_type, remove_extra_whitespaces):
    def make(path):
        vocabulary = Vocabulary(path)
        proto = ModelProto()
        for piece in zip(vocabulary.tokens, vocabulary.scores, vocabulary.types):
            proto.pieces.add(piece=piece[0], score=piece[1], type=piece[2])
        proto.trainer_spec.model_type = model_type
        proto.trainer_spec.vocab_size = len(vocabulary.tokens)
        proto.trainer_spec.byte_fallback = 6 in vocabulary.types
        proto.trainer_spec.unk_id = vocabulary.unknown
        proto.normalizer_spec.name = "file"
        proto.normalizer_spec.precompiled_charsmap = vocabulary.character_map
        proto.normalizer_spec.add_dummy_prefix = True
        proto.normalizer_spec.remove_extra_whitespaces = remove_extra_whitespaces
        proto.normalizer_spec.escape_whitespaces = True
        processor = SentencePieceProcessor(model_proto=proto.SerializeToString())
        return processor.encode

    return make


FAMILIES = {
    "smollm": (
        "smollm2-135m-instruct.q4_1.gguf",
        byte_pairs(
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ),
    ),
    "qwen2": (
        "qwen2.5-coder-0.5b-instruct.Q4_K_M.gguf",
        byte_pairs(
            pre_tokenizers.Split(Regex(QWEN2), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ),
    ),
    "bert": ("vocabularies/ggml-vocab-bert-bge.gguf", word_pieces),
    "llama": ("vocabularies/ggml-vocab-llama-spm.gguf", sentence_pieces(2, False)),
    "xlm-roberta": ("vocabularies/ggml-vocab-nomic-bert-moe.gguf", sentence_pieces(1, True)),
}

cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
folder = Path(os.environ.get("TORII_TEST_MODELS") or cache / "torii" / "test-models")
for family, (file_name, make) in FAMILIES.items():
    source = random.Random(20)
    encode = make(folder / file_name)
    lines = []
    for _ in range(150):
        text = random_text(source)
        if family == "bert":
            # The punctuation that `tokenizers` knows is that of an old Unicode.
            is_old = lambda character: unicodedata.ucd_3_2_0.category(character) != "Cn"
            text = "".join(filter(is_old, text))
        lines.append(f"{text.encode().hex()} {' '.join(map(str, encode(text)))}\n")
    Path(__file__).with_name(f"{family}.txt").write_text("".join(lines))
