import Foundation

/// The real models and vocabularies that tests use, where `Tests/fetch-models` puts them.
package enum TestModels: String, Sendable, CaseIterable {
    /// SmolLM2-135M-Instruct, Q4_1 (architecture llama).
    case smolLM2 = "smollm2-135m-instruct.q4_1.gguf"
    /// Qwen2.5-Coder-0.5B-Instruct, Q4_K_M (architecture qwen2).
    case qwen25Coder = "qwen2.5-coder-0.5b-instruct.Q4_K_M.gguf"
    /// A folder: all-MiniLM-L6-v2 as Hugging Face has it, F32 safetensors (architecture bert).
    case allMiniLM = "all-minilm-l6-v2"
    /// A folder: llama.cpp's vocabularies with texts and their tokens.
    case vocabularies = "vocabularies"
    /// A folder: llama.cpp's collection of chat templates.
    case templates = "templates"

    /// The folder that holds them: `$TORII_TEST_MODELS`, or `torii/test-models` in the user's cache.
    package static var directory: String {
        let environment = ProcessInfo.processInfo.environment
        if let chosen = environment["TORII_TEST_MODELS"], !chosen.isEmpty { return chosen }
        if let cache = environment["XDG_CACHE_HOME"], !cache.isEmpty {
            return cache + "/torii/test-models"
        }
        return NSHomeDirectory() + "/.cache/torii/test-models"
    }

    /// The path of a model's file or folder.
    ///
    /// Throws, with the command that mends it, if it isn't there: a test that needs a model fails
    /// without it instead of passing unseen.
    package static func path(of model: TestModels) throws -> String {
        let path = directory + "/" + model.rawValue
        guard FileManager.default.fileExists(atPath: path) else {
            throw Missing(path: path, name: model.argument)
        }
        return path
    }

    private var argument: String {
        switch self {
        case .smolLM2: "smollm2"
        case .qwen25Coder: "qwen2.5-coder"
        case .allMiniLM: "all-minilm"
        case .vocabularies: "vocabularies"
        case .templates: "templates"
        }
    }

    private struct Missing: Error, CustomStringConvertible {
        var path: String
        var name: String

        var description: String {
            "\(path) is not there; fetch it with: Tests/fetch-models \(name)"
        }
    }
}
