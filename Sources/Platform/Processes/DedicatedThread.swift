import CLinux
import Glibc
import Synchronization

/// One operating-system thread of its own, for loops that block in the kernel or burn CPU.
///
/// Safe from any thread. A thread that is never joined is detached when the object goes away.
package final class DedicatedThread: Sendable {
    private enum State { case running(pthread_t), joined }

    private let state: Mutex<State>

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - name: Shown by `ps -L` and debuggers; cut after 15 bytes.
    ///   - stackByteCount: The size of its stack, rounded up by the system.
    ///   - body: Runs on the thread; the thread ends when it returns.
    /// - Throws: EAGAIN when the system has no thread left.
    package init(
        name: String,
        stackByteCount: Int = 1 << 20,
        body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        let start = ThreadStart(name: name, body: body)
        var attributes = pthread_attr_t()
        // Safety: `attributes` is initialised before use and destroyed once, and `thread` is read
        // only after pthread_create has set it. The retained start record is taken over by the new
        // thread, or released here when there is none.
        unsafe pthread_attr_init(&attributes)
        defer { _ = unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, max(stackByteCount, 1 << 16))
        var thread = pthread_t()
        let retained = unsafe Unmanaged.passRetained(start)
        let code = unsafe pthread_create(
            &thread,
            &attributes,
            { argument in
                if let argument = unsafe argument {
                    let start = unsafe Unmanaged<ThreadStart>.fromOpaque(argument)
                    unsafe start.takeRetainedValue().run()
                }
                return nil
            },
            retained.toOpaque()
        )
        guard code == 0 else {
            unsafe retained.release()
            throw SystemError(call: "pthread_create", code: code)
        }
        state = Mutex(.running(thread))
    }

    /// Waits until the thread's body has returned.
    ///
    /// Later calls return at once.
    ///
    /// Must not be called by the thread itself.
    package func join() {
        let thread: pthread_t? = state.withLock { state in
            guard case .running(let thread) = state else { return nil }
            state = .joined
            return thread
        }
        guard let thread else { return }
        precondition(pthread_equal(thread, pthread_self()) == 0, "a thread cannot wait for itself")
        // The thread was created joinable, and only this call can have got its number.
        _ = pthread_join(thread, nil)
    }

    /// Names the calling thread, like `init` does; the main thread's name is the process's.
    package static func nameCurrentThread(_ name: String) {
        // Safety: the string outlives the call as a NUL-terminated copy of at most 15 bytes.
        unsafe torii_set_thread_name(String(decoding: name.utf8.prefix(15), as: UTF8.self))
    }

    deinit {
        state.withLock { state in
            if case .running(let thread) = state { _ = pthread_detach(thread) }
        }
    }
}

/// What a new thread is given: its name and its work.
private final class ThreadStart: Sendable {
    private let name: String
    private let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    func run() {
        DedicatedThread.nameCurrentThread(name)
        body()
    }
}
