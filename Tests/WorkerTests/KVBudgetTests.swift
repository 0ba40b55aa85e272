import Scheduling
import Testing

@testable import Worker

@Suite struct KVBudgetTests {
    static func wish(_ change: (inout KVBudget.Wish) -> Void = { _ in }) -> KVBudget.Wish {
        var wish = KVBudget.Wish(
            trainedContextLength: 8192,
            contextLength: nil,
            kvByteCount: nil,
            maximumSequenceCount: 4,
            blockByteCount: 1000,
            blockTokenCount: 32,
            availableByteCount: 1_000_000_000
        )
        change(&wish)
        return wish
    }

    @Test func `every sequence fits at full length when memory is plentiful`() {
        let budget = KVBudget(Self.wish())
        #expect(budget.contextLength == 8192)
        #expect(budget.blockCount == 4 * 256)
    }

    @Test func `a shorter context is honoured and a longer one lowered`() {
        #expect(KVBudget(Self.wish { $0.contextLength = 100 }).contextLength == 100)
        #expect(KVBudget(Self.wish { $0.contextLength = 100 }).blockCount == 4 * 4)
        #expect(KVBudget(Self.wish { $0.contextLength = 99_999 }).contextLength == 8192)
    }

    @Test func `little memory gives fewer blocks, and a shorter context if nobody chose it`() {
        let quarter = KVBudget(Self.wish { $0.availableByteCount = 1_600_000 })
        #expect(quarter.contextLength == 8192)
        #expect(quarter.blockCount == 400)
        let half = KVBudget(Self.wish { $0.availableByteCount = 200_000 })
        #expect(half.contextLength == 100 * 32)
        #expect(half.blockCount == 100)
        let chosen = KVBudget(
            Self.wish {
                $0.availableByteCount = 200_000
                $0.contextLength = 8192
            }
        )
        #expect(chosen.contextLength == 8192)
        #expect(chosen.blockCount == 256)
    }

    @Test func `bytes that were asked for are the blocks`() {
        let budget = KVBudget(Self.wish { $0.kvByteCount = 10_500 })
        #expect(budget.blockCount == 10)
        #expect(budget.contextLength == 320)
        #expect(KVBudget(Self.wish { $0.kvByteCount = 1 }).blockCount == 1)
    }

    @Test(arguments: [100, 2048, 8192, 32_768, 131_072], [720 << 10, 368 << 10, 5 << 20])
    func `one sequence fills the slabs that are kept for it`(context: Int, blockByteCount: Int) {
        let budget = KVBudget(
            Self.wish {
                $0.trainedContextLength = 131_072
                $0.contextLength = context
                $0.blockByteCount = blockByteCount
            }
        )
        let needed = (context + 31) / 32
        let kept = budget.keptSlabCount * budget.slabBlockCount
        #expect(kept >= needed && kept < needed + budget.keptSlabCount)
        #expect(budget.slabBlockCount * blockByteCount <= max(16 << 20, blockByteCount))
    }

    @Test(arguments: [512, 2048, 8192], [60 << 10, 393 << 10])
    func `an encoder keeps blocks for a step and one long text, and may have those of three more`(
        context: Int,
        blockByteCount: Int
    ) {
        let budget = KVBudget(
            encoderContextLength: context,
            SchedulerLimits(runningCount: 128),
            blockByteCount: blockByteCount,
            blockTokenCount: 32
        )
        let text = context / 32
        let kept = budget.keptSlabCount * budget.slabBlockCount
        let needed = 512 / 32 + 128 + text
        #expect(kept >= needed && kept < needed + budget.keptSlabCount)
        #expect(budget.blockCount >= kept + 3 * text)
        #expect(budget.blockCount < kept + 3 * text + budget.slabBlockCount)
    }
}
