/// The numbers under which a worker finds what the gateway passed to it.
package enum WorkerDescriptors {
    /// One end of the socket pair.
    package static let socket: Int32 = 3
    /// The table of compute turns; not open if there is none.
    package static let turns: Int32 = 4
    /// The model's file; further parts have the numbers after it, and then come the files of packed
    /// weights.
    package static let firstModelFile: Int32 = 5
}
