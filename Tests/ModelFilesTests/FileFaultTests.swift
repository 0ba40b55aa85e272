import Foundation
import Glibc
import ModelFiles
import Platform
import Tensors
import TestSupport
import Testing

/// What a failing disk does to model files, step by step.
@Suite(.timeLimit(.minutes(15))) struct FileFaultTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func folder() throws -> GGUFFile {
        try TinyFolder().write(to: directory.path)
        return try GGUFFile.open(path: directory.path)
    }

    private func contents(_ path: String) throws -> [UInt8] {
        try Files.contents(of: path, maximumByteCount: 64 << 20)
    }

    @Test(arguments: [(ENOSPC, nil), (EIO, nil), (EIO, TensorType.q8_0)])
    func `a file that is written is the old one or the new one, whichever step fails`(
        code: Int32,
        quantization: TensorType?
    ) throws {
        var file = try folder()
        if let quantization { file = try file.quantized(to: quantization) }
        let path = directory.file("copy.gguf")
        try GGUFFileWriter(file).write(to: path)
        let new = try contents(path)
        let old = Array("what was there before".utf8)
        var number = 1
        while true {
            try DurableFile.replace(path, with: old)
            let plan = FaultPlan(failing: number, code: code)
            let outcome = FaultPlan.$current.withValue(plan) {
                Result { try GGUFFileWriter(file).write(to: path) }
            }
            let found = try contents(path)
            #expect(found == old || found == new, "step \(number)")
            #expect(access(path + ".part", F_OK) != 0)
            guard plan.hasStruck else {
                #expect(found == new)
                break
            }
            guard case .failure = outcome else {
                Issue.record("step \(number) is passed over")
                return
            }
            number += 1
        }
        #expect(number > 2 * file.tensors.count, "each tensor is read and written")
    }

    @Test(arguments: [EIO, ENODATA])
    func `a model that cannot be read is an error, whichever step fails, and well afterwards`(
        code: Int32
    ) throws {
        let names = try folder().tensors.map(\.name)
        let path = try directory.write(TinyModel().writer().serialized(), to: "tiny.gguf")
        for path in [directory.path, path] {
            var number = 1
            while true {
                let plan = FaultPlan(failing: number, code: code)
                let outcome = FaultPlan.$current.withValue(plan) {
                    Result { try GGUFFile.open(path: path) }
                }
                guard plan.hasStruck else { break }
                guard case .failure = outcome else {
                    Issue.record("\(path): step \(number) is passed over")
                    return
                }
                number += 1
            }
            #expect(number > 1)
            #expect(try !GGUFFile.open(path: path).tensors.isEmpty)
        }
        #expect(try GGUFFile.open(path: directory.path).tensors.map(\.name) == names)
    }

    @Test(arguments: [true, false])
    func `an adapter that cannot be read is an error, whichever step fails, and well afterwards`(
        isFolder: Bool
    ) throws {
        let adapter = TinyAdapter(for: TinyFolder().model)
        let base = AdapterBase(architecture: "qwen2", headDimension: 64)
        var path = directory.path
        if isFolder {
            try adapter.writeFolder(to: path)
        } else {
            path = try directory.write(adapter.writer().serialized(), to: "adapter.gguf")
        }
        func read() throws {
            let file = try GGUFFile.openAdapter(path: path, base: base)
            for tensor in file.tensors {
                var bytes = [UInt8](repeating: 0, count: tensor.byteCount)
                try bytes.withUnsafeMutableBytes { try file.read(tensor, into: $0) }
            }
        }
        var number = 1
        while true {
            let plan = FaultPlan(failing: number, code: EIO)
            let outcome = FaultPlan.$current.withValue(plan) { Result { try read() } }
            guard plan.hasStruck else { break }
            guard case .failure = outcome else {
                Issue.record("step \(number) is passed over")
                return
            }
            number += 1
        }
        #expect(number > 2, "its description and each tensor is read")
        try read()
    }
}
