import KVCache

/// A plan that is being made, and how much room is left in it.
struct StepDraft {
    private(set) var plan = StepPlan()
    /// What the entries cost so far.
    private(set) var size = StepCostModel.Size()
    /// How long the step may take.
    var targetSeconds = 0.0
    /// Whether somebody had to give up blocks in this step.
    private(set) var isShortOfBlocks = false
    private(set) var hasPrompt = false
    private var planned: Set<SequenceID> = []

    func contains(_ id: SequenceID) -> Bool { planned.contains(id) }

    mutating func add(_ entry: StepPlan.Entry, isPrompt: Bool) {
        plan.entries.append(entry)
        planned.insert(entry.id)
        size = size + entry.size
        hasPrompt = hasPrompt || isPrompt
    }

    /// Lengthens an entry by guessed tokens.
    mutating func addGuess(_ tokens: ArraySlice<Int32>, at index: Int, blockTable: [Int32]) {
        plan.entries[index].tokens += tokens
        plan.entries[index].guessedTokenCount = tokens.count
        plan.entries[index].blockTable = blockTable
        size = plan.size
    }

    mutating func note(copy: BlockCopy) { plan.copies.append(copy) }

    mutating func note(start: StepPlan.Start) { plan.started.append(start) }

    mutating func note(timedOut ids: [SequenceID]) { plan.timedOut += ids }

    mutating func note(preempted id: SequenceID, forBlocks: Bool) {
        plan.preempted.append(id)
        isShortOfBlocks = isShortOfBlocks || forBlocks
    }
}
