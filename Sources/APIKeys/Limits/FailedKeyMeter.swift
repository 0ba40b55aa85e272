package import Platform

/// Counts wrong keys by the address they came from, and says when an address has sent too many.
///
/// Pure. Bounded: when there are too many addresses, those that have waited longest are forgotten.
package struct FailedKeyMeter: Sendable {
    /// Wrong keys that an address may send at once, and in every minute after.
    private static let perMinute = 60
    private static let maximumAddressCount = 4096

    private var buckets: [SocketAddress: (bucket: RateBucket, last: MonotonicInstant)] = [:]

    /// A meter that has seen nothing.
    package init() {}

    /// Addresses that are remembered.
    package var addressCount: Int { buckets.count }

    /// How long the address must wait before another key of its is looked at; zero if it need not.
    ///
    /// This machine's own addresses never wait: behind a proxy they are everybody's.
    package mutating func wait(for peer: SocketAddress, now: MonotonicInstant) -> Duration {
        guard let origin = peer.origin, var entry = buckets[origin] else { return .zero }
        let wait = entry.bucket.wait(for: 1, now: now)
        buckets[origin] = entry
        return wait
    }

    /// Notes a wrong key; true if the address has now to wait.
    package mutating func failed(_ peer: SocketAddress, now: MonotonicInstant) -> Bool {
        guard let origin = peer.origin else { return false }
        if buckets[origin] == nil, buckets.count >= Self.maximumAddressCount { forgetHalf() }
        var entry = buckets[origin] ?? (RateBucket(perMinute: Self.perMinute, now: now), now)
        entry.bucket.take(1, now: now)
        entry.last = now
        buckets[origin] = entry
        return entry.bucket.wait(for: 1, now: now) > .zero
    }

    private mutating func forgetHalf() {
        let kept = buckets.sorted { $0.value.last > $1.value.last }
            .prefix(Self.maximumAddressCount / 2)
        buckets = [:]
        for (address, entry) in kept { buckets[address] = entry }
    }
}
