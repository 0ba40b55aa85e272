import ComputeTurns
import Glibc
import Platform
import Synchronization
import Telemetry
import WorkerProtocol

// How the process comes into being: what it inherits, and what the kernel holds it to.
extension WorkerProcess {
    func spawn(
        passing files: [OpenedFile],
        _ weights: WeightCacheFiles?
    ) throws(SystemError) -> (ChildProcess, WorkerOutput) {
        let descriptor = childEnd.withLock { end in
            defer { end = nil }
            return end
        }
        guard let descriptor else { preconditionFailure("a worker is started once") }
        defer { _ = close(descriptor) }
        let logEnds = try SocketPair.make().release()
        defer { _ = close(logEnds.second) }
        let output = WorkerOutput(FileDescriptor(owning: logEnds.first))
        var inherited = [
            (descriptor: descriptor, as: WorkerDescriptors.socket),
            (descriptor: logEnds.second, as: STDERR_FILENO),
        ]
        if let turns = launch.turns {
            inherited.append((descriptor: turns.descriptor, as: WorkerDescriptors.turns))
        }
        for (number, file) in zip(launch.options.modelDescriptors, files) {
            inherited.append((descriptor: file.file.rawValue, as: number))
        }
        let cached = [weights?.stored?.file.rawValue, weights?.outputDescriptor]
        for (index, descriptor) in cached.enumerated() {
            guard let descriptor else { continue }
            inherited.append((descriptor: descriptor, as: cachedWeightsNumber + Int32(index)))
        }
        let child = try ChildProcess.spawn(
            executable: launch.executable,
            // The executable may be /proc/self/exe, which says nothing in a list of processes.
            programName: "torii",
            arguments: launch.arguments,
            environment: launch.environment.merging(
                WorkerOutput.environment(for: logEnds.second)
            ) { $1 },
            inheriting: inherited
        )
        return (child, output)
    }

    /// The number that packed weights have in the worker; those that it writes have the next one.
    var cachedWeightsNumber: Int32 {
        WorkerDescriptors.firstModelFile + Int32(launch.modelPaths.count)
    }

    /// Gives the process a control group of its own, if there is one to be had.
    func place(_ child: ChildProcess) -> ChildGroup? {
        guard let groups = launch.groups else { return nil }
        do throws(SystemError) {
            let group = try groups.makeChild(name: "worker-\(child.pid)")
            try group.add(pid: child.pid)
            return group
        } catch {
            log.warning("the worker gets no control group of its own", ("problem", error))
            return nil
        }
    }

    /// Has the kernel end the worker, and nobody else, when it takes much more than it said.
    ///
    /// The limit is for defects and has room for what is not planned to the byte: a twentieth, and
    /// 256 MiB. A worker's figures are not trusted to be sane.
    func limitMemory(_ footprint: MemoryFootprint, overheadByteCount: Int) {
        guard let group = state.withLock({ $0.group }) else { return }
        let parts = [
            footprint.weightByteCount, footprint.scratchByteCount, footprint.adapterByteCount,
            max(footprint.keptKVByteCount, footprint.maximumKVByteCount), overheadByteCount,
        ]
        let need = parts.reduce(0.0) { $0 + Double($1) }
        let limit = Int(min(need * 1.05 + Double(256 << 20), 0x1p62))
        do throws(SystemError) {
            try group.limitMemory(byteCount: limit)
        } catch {
            log.warning("the worker's memory cannot be limited", ("problem", error))
        }
    }
}
