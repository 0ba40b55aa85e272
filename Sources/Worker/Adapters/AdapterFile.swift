import Glibc
import Inference
import ModelFiles
import Transformers
import WorkerProtocol

/// An adapter's files, open.
///
/// ``plan(for:)`` or ``close()`` is called once, which ends the ownership of the descriptors.
struct AdapterFile: Sendable {
    let source: AdapterSource
    /// As many as the source has files; none: the files are opened by their path, which a process that
    /// has locked itself in cannot.
    let descriptors: [Int32]

    /// Reads the header, and finds where the adapter's factors go in a model.
    ///
    /// - Throws: `GenerationFailure` that names the adapter, the file, and the tensor at fault.
    func plan(for targets: AdapterTargets) throws(GenerationFailure) -> AdapterPlan {
        do {
            return try AdapterPlan(open(for: targets.base), for: targets)
        } catch {
            throw unusable("\(error)")
        }
    }

    /// Reads the factors.
    ///
    /// - Parameters:
    ///   - plan: This file's.
    ///   - number: The adapter's, of its own.
    ///   - onEnd: See ``AttachedAdapter``.
    /// - Returns: The adapter.
    /// - Throws: `GenerationFailure` that names the adapter, the file, and the tensor at fault.
    func load(
        _ plan: AdapterPlan,
        number: UInt64,
        onEnd: @escaping @Sendable () -> Void
    ) throws(GenerationFailure) -> AttachedAdapter {
        do throws(AdapterError) {
            let adapter = try plan.load(scale: source.scale)
            return AttachedAdapter(adapter, number: number, onEnd: onEnd)
        } catch {
            throw unusable("\(error)")
        }
    }

    /// Closes the files unread.
    func close() {
        for descriptor in descriptors { _ = Glibc.close(descriptor) }
    }

    private func open(for base: AdapterBase) throws(GGUFError) -> GGUFFile {
        if descriptors.isEmpty { return try GGUFFile.openAdapter(path: source.path, base: base) }
        return try GGUFFile.openAdapter(
            path: source.path,
            base: base,
            descriptors: zip(source.fileNames, descriptors).map { ($0, $1) }
        )
    }

    private func unusable(_ reason: String) -> GenerationFailure {
        GenerationFailure(
            kind: .unusableAdapter,
            message: "The adapter '\(source.name)' (\(source.path)) cannot be used with this "
                + "model: \(reason)."
        )
    }
}
