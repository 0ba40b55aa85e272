import Glibc
import Kernels
import ModelFiles

/// How positions turn into rotation angles, for the layers that share a table.
struct Rotary {
    /// How many dimensions of a head are rotated; even, at most the head dimension.
    var dimensionCount: Int
    /// The base of the angles' geometric series.
    var base: Double
    var scaling = Scaling.linear(factor: 1)
    var factors = Factors.none
    /// What rotated dimensions are multiplied with besides.
    var magnitude = 1.0
    /// How queries grow with their position; nil: not.
    var temperature: RotaryTable.Temperature?

    /// How angles are changed for sequences beyond those that the model was first trained on.
    enum Scaling {
        /// Positions are divided by the factor.
        case linear(factor: Double)
        case yarn(Yarn)
    }

    /// YaRN of Peng and others (2023): slow dimensions are divided by the factor, fast ones stay.
    struct Yarn {
        var factor: Double
        /// The length the model was first trained on, in tokens.
        var originalLength: Int
        /// Dimensions that turn more often than this in the original length stay.
        var fastTurns = 32.0
        /// Dimensions that turn less often than this are divided.
        var slowTurns = 1.0
        /// Whether the bounds of the dimensions between are whole numbers.
        var roundsBounds = true
    }

    /// Divisors of the angles, one for each pair of dimensions.
    enum Factors {
        case none
        case fixed(TensorRows)
        /// One set for models that are loaded for up to `length` positions, another beyond.
        case byLength(upTo: TensorRows, beyond: TensorRows, length: Int)
    }

    /// The factors of a model that is loaded for `positionCount` positions.
    func factors(positionCount: Int) -> TensorRows? {
        switch factors {
        case .none: nil
        case .fixed(let factors): factors
        case .byLength(let short, let long, let length): positionCount > length ? long : short
        }
    }

    /// The angle per position of each pair of dimensions.
    func frequencies(factors: [Float]?) -> [Double] {
        (0..<dimensionCount / 2).map { pair in
            let plain =
                pow(base, -2 * Double(pair) / Double(dimensionCount))
                / Double(factors?[pair] ?? 1)
            switch scaling {
            case .linear(let factor): return plain / factor
            case .yarn(let yarn):
                let kept = yarn.share(of: pair, dimensionCount: dimensionCount, base: base)
                return plain * kept + plain / yarn.factor * (1 - kept)
            }
        }
    }
}

extension Rotary.Yarn {
    /// What is kept of a pair's angle: 1 for fast ones, 0 for slow ones, a straight line between.
    fileprivate func share(of pair: Int, dimensionCount: Int, base: Double) -> Double {
        func bound(_ turns: Double) -> Double {
            Double(dimensionCount) * log(Double(originalLength) / (turns * 2 * Double.pi))
                / (2 * log(base))
        }
        var low = bound(fastTurns)
        var high = bound(slowTurns)
        if roundsBounds { (low, high) = (low.rounded(.down), high.rounded(.up)) }
        low = max(low, 0)
        high = min(high, Double(dimensionCount - 1))
        let slope = (Double(pair) - low) / max(0.001, high - low)
        return 1 - min(1, max(0, slope))
    }
}
