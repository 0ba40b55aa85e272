// What constraints cost on the vocabulary of a real model:
//
//     swift run -c release GrammarBenchmarks [MODEL.gguf]
//
// One JSON object a line: for each grammar the time to compile it, and of the masks along random
// outputs the mean, the highest, and the share that had to be made. Times are wall-clock times, in
// microseconds. The mask must take 100 on average and 2,000 at most, compiling 50,000 at most.

import Glibc
import Grammars
import JSON
import ModelFiles
import TestSupport
import Tokenizers

func microseconds(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let duration = try clock.measure(body)
    return Double(duration.components.seconds) * 1e6
        + Double(duration.components.attoseconds) / 1e12
}

let path = try CommandLine.arguments.dropFirst().first ?? TestModels.path(of: .qwen25Coder)
let file = try GGUFFile.open(path: path)
let tokenizer = try Tokenizer(metadata: file.metadata)
var made: GrammarVocabulary?
let treeTime = microseconds {
    made = GrammarVocabulary(
        tokens: (0..<TokenID(tokenizer.vocabularySize)).map { tokenizer.bytes(of: $0) },
        controlTokens: Set((0..<TokenID(tokenizer.vocabularySize)).filter(tokenizer.isControl)),
        endTokens: tokenizer.endOfGenerationTokens
    )
}
guard let vocabulary = made else { exit(1) }
print("{\"tokens\": \(tokenizer.vocabularySize), \"tree_microseconds\": \(Int(treeTime))}")

for (name, expression) in BenchmarkGrammars.all {
    var compiled: TokenConstraint?
    let compileTime = try microseconds {
        compiled = try TokenConstraint(try Grammar(expression), vocabulary: vocabulary)
    }
    guard let constraint = compiled else { exit(1) }
    var times: [Double] = []
    var random = SeededGenerator(seed: 1)
    for _ in 0..<20 {
        var state = try constraint.start()
        for _ in 0..<100 where !state.isExhausted {
            var mask = TokenMask(count: 0)
            times.append(try microseconds { mask = try constraint.mask(&state) })
            guard let token = BenchmarkGrammars.choose(mask, &random, vocabulary.tokenCount) else {
                break
            }
            if tokenizer.endOfGenerationTokens.contains(token) { break }
            try constraint.accept(token, &state)
        }
    }
    times.sort()
    let mean = times.reduce(0, +) / Double(times.count)
    print(
        """
        {"grammar": "\(name)", "compile_microseconds": \(Int(compileTime)), \
        "masks": \(times.count), "mean_microseconds": \(Int(mean)), \
        "p99_microseconds": \(Int(times[times.count * 99 / 100])), \
        "highest_microseconds": \(Int(times[times.count - 1]))}
        """
    )
}
