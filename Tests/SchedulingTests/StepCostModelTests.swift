import Scheduling
import TestSupport
import Testing

@Suite struct StepCostModelTests {
    @Test func `finds the costs of a machine from noisy steps`() {
        var random = SeededGenerator(seed: 7)
        var model = StepCostModel()
        func cost(_ size: StepCostModel.Size) -> Double {
            4e-3 + 0.2e-3 * Double(size.tokenCount) + 3e-8 * Double(size.keyCount)
                + 0.5e-3 * Double(size.logitRowCount)
        }
        func size() -> StepCostModel.Size {
            let rows = random.int(in: 0...16)
            let count = rows + random.int(in: (rows == 0 ? 1 : 0)...300)
            return StepCostModel.Size(
                tokenCount: count,
                firstPosition: random.int(in: 0...4000),
                logitRowCount: rows
            )
        }
        for _ in 0..<300 {
            let size = size()
            let noise = Double.random(in: 0.9..<1.1, using: &random)
            model.observe(size, seconds: cost(size) * noise)
        }
        for _ in 0..<100 {
            let size = size()
            let ratio = model.seconds(size) / cost(size)
            #expect((0.85...1.15).contains(ratio), "\(ratio)")
        }
    }

    @Test func `follows a machine that becomes slower`() {
        var model = StepCostModel()
        let size = StepCostModel.Size(tokenCount: 8, firstPosition: 100, logitRowCount: 8)
        for _ in 0..<200 { model.observe(size, seconds: 0.01) }
        #expect(abs(model.seconds(size) - 0.01) < 0.0005)
        for _ in 0..<200 { model.observe(size, seconds: 0.03) }
        #expect(abs(model.seconds(size) - 0.03) < 0.003)
    }

    @Test func `never expects a step to take less for being larger`() {
        var model = StepCostModel()
        var size = StepCostModel.Size(tokenCount: 10, firstPosition: 0, logitRowCount: 1)
        model.observe(size, seconds: 0.1)
        size = StepCostModel.Size(tokenCount: 400, firstPosition: 0, logitRowCount: 1)
        model.observe(size, seconds: 0.05)
        let smaller = model.seconds(StepCostModel.Size(tokenCount: 1))
        let larger = model.seconds(
            StepCostModel.Size(tokenCount: 500, keyCount: 9, logitRowCount: 3)
        )
        #expect(smaller > 0 && smaller <= larger)
    }
}
