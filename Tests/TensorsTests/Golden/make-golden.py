#!/usr/bin/env python3
"""Write dequantized.txt: random quantised blocks and what ggml's own package makes of them.

Run with a Python that has `gguf` (pip install gguf). Each line is a type, the block's bytes in
hexadecimal, and the values as the bits of single-precision numbers in hexadecimal.
"""

from pathlib import Path

import gguf
import numpy

TYPES = "F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q4_K Q5_K Q6_K Q2_K Q3_K IQ4_NL IQ4_XS MXFP4".split()
# Where a block's half-precision numbers lie: random bits there would often not be finite.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "Q2_K": [80, 82], "Q3_K": [108],
    "IQ4_NL": [0], "IQ4_XS": [0], "MXFP4": [],
}
# Of MXFP4: one that a float's own exponent cannot say, and an ordinary one.
EXPONENTS = [0, 120]

random = numpy.random.default_rng(20)
lines = []
for name in TYPES:
    kind = gguf.GGMLQuantizationType[name]
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    for index in range(2 if elements > 1 else 8):
        if elements == 1:
            value = numpy.float32(random.normal())
            block = gguf.quants.quantize(numpy.array([value]), kind).view(numpy.uint8)
        else:
            block = random.integers(0, 256, size, dtype=numpy.uint8)
            for offset in HALVES[name]:
                scale = numpy.array([random.normal() / 16], dtype=numpy.float16)
                block[offset : offset + 2] = scale.view(numpy.uint8)
            if name == "MXFP4":
                block[0] = EXPONENTS[index]
        values = gguf.quants.dequantize(block.view(numpy.float32) if name == "F32" else
                                        block.view(numpy.float16) if name == "F16" else block, kind)
        bits = values.astype(numpy.float32).reshape(-1).view(numpy.uint32)
        lines.append(f"{name} {block.tobytes().hex()} " + ",".join(f"{bit:08x}" for bit in bits))

Path(__file__).with_name("dequantized.txt").write_text("\n".join(lines) + "\n")
