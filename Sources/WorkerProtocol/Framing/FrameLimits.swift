/// Bounds on the frames between gateway and worker.
package struct FrameLimits: Sendable, Hashable {
    /// The most bytes of one frame without its length prefix; 64 MiB.
    ///
    /// It is larger than the largest HTTP body, so every request that was accepted can be sent on.
    package var maximumFrameByteCount: Int

    /// Makes limits; the default is for both directions.
    package init(maximumFrameByteCount: Int = 64 << 20) {
        self.maximumFrameByteCount = min(maximumFrameByteCount, Int(UInt32.max))
    }

    /// 64 MiB for one frame.
    package static let `default` = FrameLimits()
}
