import CKernels
import Tensors

// Safety: the views are written by `init` alone, point into matrices that the adapter keeps, and end
// with it.

/// What a low-rank adapter adds to the products of a program, by their places.
///
/// Immutable; safe from any thread. Rows of a batch may each have another one, see
/// ``StepProgram/append(tokens:firstPosition:blockTable:logitRowCount:selectsFirst:adapter:)``.
@safe
package final class StepAdapter: @unchecked Sendable {
    /// To a product `W x` it adds `scale * up (down x)`.
    package struct Factors {
        /// `[R, in]`, of floats.
        package var down: PackedMatrix
        /// `[out, R]`, of floats.
        package var up: PackedMatrix
        /// What the sum is multiplied with.
        package var scale: Float

        /// Factors, which must have the rank in common.
        package init(down: PackedMatrix, up: PackedMatrix, scale: Float) {
            precondition(
                down.rows == up.columns && down.rows <= StepAdapter.maximumRank,
                "factors have a rank in common that there is room for"
            )
            precondition(
                [down, up].allSatisfy { $0.type.blockElementCount == 1 },
                "factors are floats"
            )
            self.down = down
            self.up = up
            self.scale = scale
        }
    }

    /// The largest R.
    package static let maximumRank = Int(TORII_RANK_MAX)

    /// The number of places it was made for.
    package let placeCount: Int
    private let matrices: [PackedMatrix]
    private let lowRanks: UnsafeMutablePointer<torii_low_rank>
    private let matrixViews: UnsafeMutablePointer<torii_matrix>

    /// An adapter of these factors, by place; nil where nothing is added.
    package init(_ factors: [Factors?]) {
        let matrices = factors.compactMap(\.self).flatMap { [$0.down, $0.up] }
        let matrixViews = UnsafeMutablePointer<torii_matrix>.allocate(
            capacity: max(1, matrices.count)
        )
        let lowRanks = UnsafeMutablePointer<torii_low_rank>.allocate(
            capacity: max(1, factors.count)
        )
        for (index, matrix) in matrices.enumerated() {
            unsafe matrix.withMatrix { unsafe (matrixViews + index).initialize(to: $0) }
        }
        var next = unsafe UnsafePointer(matrixViews)
        for (place, factors) in factors.enumerated() {
            var lowRank = unsafe torii_low_rank()
            if let factors {
                unsafe lowRank.down = next
                unsafe lowRank.up = next + 1
                unsafe lowRank.scale = factors.scale
                unsafe next += 2
            }
            unsafe (lowRanks + place).initialize(to: lowRank)
        }
        placeCount = factors.count
        self.matrices = matrices
        unsafe self.matrixViews = matrixViews
        unsafe self.lowRanks = lowRanks
    }

    /// By place; the entries that add nothing are zeros.
    ///
    /// Valid as long as `self` lives.
    var view: UnsafePointer<torii_low_rank> { unsafe UnsafePointer(lowRanks) }

    deinit {
        // Safety: allocated by `init`; nothing in them needs deinitialisation.
        unsafe lowRanks.deallocate()
        unsafe matrixViews.deallocate()
    }
}
