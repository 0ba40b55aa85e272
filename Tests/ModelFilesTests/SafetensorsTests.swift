import Foundation
import ModelFiles
import TestSupport
import Testing

/// Weights of a folder that are damaged, or made to do harm.
@Suite(.timeLimit(.minutes(15)))
struct SafetensorsTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// Opens a folder whose second file of weights is `bytes`.
    private func open(_ bytes: [UInt8]) throws -> GGUFFile {
        try TinyFolder().write(to: directory.path)
        let path = "\(directory.path)/model-00002-of-00002.safetensors"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try GGUFFile.open(path: directory.path)
    }

    private static let name = "model.norm.weight"

    @Test(
        arguments: [
            (#"{"NAME":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, "takes 8 bytes"),
            (#"{"NAME":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, "outside"),
            (#"{"NAME":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, "outside"),
            (#"{"NAME":{"dtype":"F32","shape":[2],"data_offsets":[-1,7]}}"#, "outside"),
            (#"{"NAME":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, "length"),
            (#"{"NAME":{"dtype":"F32","shape":[1,1,1,1,2],"data_offsets":[0,8]}}"#, "dimensions"),
            (
                #"{"NAME":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#,
                "overflows"
            ),
            (#"{"NAME":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}"#, "F8_E4M3"),
            (#"{"NAME":{"dtype":"F32","shape":[2]}}"#, "lacks"),
            (#"{"NAME":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#, "no tensor has"),
            (
                #"{"NAME":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"#
                    + #""lm_head.weight":{"dtype":"F16","shape":[2],"data_offsets":[2,6]}}"#,
                "shares"
            ),
            (
                #"{"NAME":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"#
                    + #""NAME":{"dtype":"F16","shape":[2],"data_offsets":[4,8]}}"#,
                "follows bytes"
            ),
            (#"{"model.strange":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "strange"),
            (#"{"NAME":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#, "I64"),
            ("[]", "object"), ("{", "header"),
        ]
    )
    func `refuses what a header says wrongly`(header: String, word: String) throws {
        let text = header.replacingOccurrences(of: "NAME", with: Self.name)
        let bytes = TinyFolder.safetensors(
            header: Array(text.utf8),
            data: [UInt8](repeating: 0, count: 8)
        )
        let error = #expect(throws: GGUFError.self) { try open(bytes) }
        #expect(error?.description.contains(word) == true, "\(String(describing: error))")
    }

    @Test(arguments: [
        [], [1, 2, 3], [255, 255, 255, 255, 255, 255, 255, 127], [9, 0, 0, 0, 0, 0, 0, 0],
    ])
    func `refuses a file that is too short for what it says`(bytes: [UInt8]) throws {
        #expect(throws: GGUFError.self) { try open(bytes) }
    }

    @Test func `survives random damage`() throws {
        let files = try TinyFolder().files()
        let name = "model-00002-of-00002.safetensors"
        let sound = try #require(files[name])
        try TinyFolder().write(to: directory.path)
        // A vocabulary that is found wanting behind the weights keeps the test short.
        try "{}".write(
            toFile: "\(directory.path)/tokenizer.json",
            atomically: true,
            encoding: .utf8
        )
        var generator = SeededGenerator(seed: 23)
        for _ in 0..<200 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                // The header is what matters.
                let index = Int.random(in: 0..<min(bytes.count, 2_000), using: &generator)
                bytes[index] = UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) {
                bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
            }
            try Data(bytes).write(to: URL(fileURLWithPath: "\(directory.path)/\(name)"))
            #expect(throws: GGUFError.self) { try GGUFFile.open(path: directory.path) }
        }
    }
}
