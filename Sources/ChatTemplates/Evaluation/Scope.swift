/// The variables of one body, with the scope around it.
///
/// Confined to one rendering.
final class Scope {
    private var slots: [Int] = []
    private var values: [TemplateValue] = []
    private let parent: Scope?

    init(inside parent: Scope?) { self.parent = parent }

    /// The value of a variable, by its name's number, from here outwards; nil when it was never set.
    func lookUp(_ slot: Int) -> TemplateValue? {
        var scope = self
        while true {
            if let index = scope.slots.firstIndex(of: slot) { return scope.values[index] }
            guard let parent = scope.parent else { return nil }
            scope = parent
        }
    }

    /// Sets a variable of this scope.
    func set(_ slot: Int, to value: TemplateValue) {
        if let index = slots.firstIndex(of: slot) {
            values[index] = value
        } else {
            slots.append(slot)
            values.append(value)
        }
    }

    /// Forgets every variable, which breaks cycles between scopes and the macros they hold.
    func removeAll() {
        slots = []
        values = []
    }
}
