package import Platform

/// How many threads compute steps of few rows together: fewer where others keep some of them from
/// the processors.
///
/// Such a step has a barrier every few microseconds, and a thread that is taken off its processor
/// is away for milliseconds, in which all others wait for it. So when threads lose time, fewer are
/// tried for a moment, and kept if steps take less time so; now and then more are tried again.
/// Which is faster depends on the model, the machine and the neighbour, so nothing but the steps'
/// own times decides.
///
/// A value without clock or threads: it is told what each step took.
package struct ThreadCountPolicy: Sendable {
    /// Steps whose times can be compared.
    package struct Kind: Sendable, Hashable {
        /// T: rows of the batch.
        package var rowCount: Int
        /// S: those that get logits.
        package var logitRowCount: Int

        /// A kind of step.
        package init(rowCount: Int, logitRowCount: Int) {
            self.rowCount = rowCount
            self.logitRowCount = logitRowCount
        }
    }

    /// Consecutive steps of one kind, with one number of threads.
    private struct Window {
        var kind: Kind
        var stepCount = 0
        var elapsed = Duration.zero
        var lost = Duration.zero

        var isFull: Bool { elapsed >= ThreadCountPolicy.windowLength && stepCount >= 2 }
        var meanTime: Duration { elapsed / stepCount }
        /// Processors that were missing, on average.
        var lostProcessors: Double { lost / elapsed }
    }

    /// Another number of threads, tried for the length of a window.
    private struct Trial {
        var kind: Kind
        var threadCountBefore: Int
        var meanTimeBefore: Duration
    }

    /// Waits that get longer with each trial that fails in a row.
    private struct Pause {
        let shortest: Duration
        let longest: Duration
        var length: Duration
        var end = MonotonicInstant(nanoseconds: 0)

        init(from shortest: Duration, to longest: Duration) {
            (self.shortest, self.longest, length) = (shortest, longest, shortest)
        }

        mutating func restart(now: MonotonicInstant) {
            length = shortest
            end = now.advanced(by: length)
        }

        mutating func extend(now: MonotonicInstant) {
            end = now.advanced(by: length)
            length = min(length * 2, longest)
        }
    }

    /// How long steps are watched: several times as long as a system lets one thread compute while
    /// others wait for the same processor.
    static let windowLength = Duration.milliseconds(40)
    /// So much of a processor must be missing before fewer threads are tried.
    static let noticedLoss = 0.1
    /// So short, of what they took before, steps must be with fewer threads to stay with those.
    static let worthwhile = 0.97

    /// The number for the next step.
    package private(set) var threadCount: Int
    private let limit: Int
    private var window: Window?
    private var trial: Trial?
    private var narrowing = Pause(from: .seconds(1), to: .seconds(16))
    private var widening = Pause(from: .milliseconds(500), to: .seconds(2))
    /// How many threads more the next trial of more has: twice as many after each that succeeds.
    private var stride = 1

    /// A policy that begins with `limit` threads, at least 1, and never has more.
    package init(limit: Int) {
        precondition(limit >= 1, "a step has a thread")
        self.limit = limit
        threadCount = limit
    }

    /// Notes what a step with ``threadCount`` threads took.
    ///
    /// - Parameters:
    ///   - kind: What kind of step it was.
    ///   - elapsed: How long it took.
    ///   - lost: How long its threads were kept off the processors, all together.
    ///   - now: When it ended.
    package mutating func record(
        _ kind: Kind,
        elapsed: Duration,
        lost: Duration,
        now: MonotonicInstant
    ) {
        guard limit > 1 else { return }
        if let trial, trial.kind != kind {
            threadCount = trial.threadCountBefore
            self.trial = nil
            self.window = nil
            return
        }
        var window = self.window.flatMap { $0.kind == kind ? $0 : nil } ?? Window(kind: kind)
        window.stepCount += 1
        window.elapsed += elapsed
        window.lost += lost
        guard window.isFull else {
            self.window = window
            return
        }
        self.window = nil
        if let trial {
            self.trial = nil
            end(trial, window.meanTime, now)
        } else {
            consider(window, now)
        }
    }

    private mutating func consider(_ window: Window, _ now: MonotonicInstant) {
        // A thread beside one that is always busy loses half of its time.
        let disturbedCount = Int((2 * window.lostProcessors).rounded())
        if window.lostProcessors > Self.noticedLoss, threadCount > 1, now >= narrowing.end {
            begin(max(1, threadCount - max(1, disturbedCount)), behind: window)
        } else if threadCount < limit, now >= widening.end {
            begin(min(limit, threadCount + stride), behind: window)
        }
    }

    private mutating func begin(_ count: Int, behind window: Window) {
        trial = Trial(
            kind: window.kind,
            threadCountBefore: threadCount,
            meanTimeBefore: window.meanTime
        )
        threadCount = count
    }

    private mutating func end(_ trial: Trial, _ meanTime: Duration, _ now: MonotonicInstant) {
        let isNarrower = threadCount < trial.threadCountBefore
        // Threads are not given up for what may be noise; one of many brings little even undisturbed.
        let bound = isNarrower ? Self.worthwhile : 1
        if meanTime / trial.meanTimeBefore < bound {
            stride = isNarrower ? 1 : stride * 2
            if isNarrower { widening.restart(now: now) } else { narrowing.restart(now: now) }
            return
        }
        threadCount = trial.threadCountBefore
        stride = 1
        if isNarrower { narrowing.extend(now: now) } else { widening.extend(now: now) }
    }
}
