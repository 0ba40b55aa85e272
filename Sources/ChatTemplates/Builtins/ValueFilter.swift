/// The filters behind `|`.
enum ValueFilter: String {
    // Texts
    case upper, lower, capitalize, title, trim, replace, indent, string, safe, format, escape, e
    case forceescape, center, truncate, wordcount, urlencode, tojson, striptags
    // Collections
    case length, count, first, last, join, list, items, reverse, sort, unique, map, select, reject
    case selectattr, rejectattr, dictsort, sum, min, max, batch, slice, groupby, attr
    // Numbers and anything
    case int, float, round, abs, `default`, d

    /// Which function of the evaluator knows the filter.
    fileprivate enum Family {
        case text, collection, choice, number
    }

    fileprivate var family: Family {
        switch self {
        case .upper, .lower, .capitalize, .title, .trim, .replace, .indent, .string, .safe, .format,
            .escape, .e, .forceescape, .center, .truncate, .wordcount, .urlencode, .tojson,
            .striptags:
            .text
        case .length, .count, .first, .last, .join, .list, .items, .reverse, .dictsort, .sum,
            .batch,
            .slice, .groupby, .attr:
            .collection
        case .sort, .unique, .map, .select, .reject, .selectattr, .rejectattr, .min, .max: .choice
        case .int, .float, .round, .abs, .default, .d: .number
        }
    }
}

extension Evaluator {
    /// The value behind several filters, one after another.
    func apply(
        _ filters: [FilterSyntax],
        to value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        var value = value
        for filter in filters {
            do throws(ChatTemplateError) {
                value = try apply(filter, to: value)
            } catch {
                throw located(error, at: filter.position)
            }
        }
        return value
    }

    /// The value behind one filter.
    func apply(
        _ filter: FilterSyntax,
        to value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        try apply(filter.name, try evaluate(filter.call), to: value)
    }

    func apply(
        _ name: String,
        _ given: CallArguments,
        to value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        guard let filter = ValueFilter(rawValue: name) else {
            throw ChatTemplateError(.unsupported, "there is no filter '\(name)'")
        }
        var arguments = given
        let result: TemplateValue
        switch filter.family {
        case .text: result = try applyTextFilter(filter, &arguments, to: value)
        case .collection: result = try applyCollectionFilter(filter, &arguments, to: value)
        case .choice: result = try applyChoiceFilter(filter, &arguments, to: value)
        case .number: result = try applyNumberFilter(filter, &arguments, to: value)
        }
        do throws(ChatTemplateError) {
            try arguments.finish()
        } catch {
            throw ChatTemplateError(.type, "the filter '\(name)': \(error.message)")
        }
        return result
    }
}
