import ChatTemplates
import Grammars
import Inference
import JSON
import Tokenizers
import WorkerProtocol

extension ChatFormat {
    /// Decides how the answer to a conversation is read, and what it is held to.
    ///
    /// 1. A call that is asked for, by name or not: nothing but calls.
    /// 2. A choice of the model's own: free until a call begins, which then is one to its end. Where the
    ///    call's form is not JSON this holds only if a tool is strict: the model's own form is better
    ///    than one it was not trained on, and what is malformed is content.
    /// 3. Another constraint, and tools: the one or calls.
    ///
    /// Reasoning comes before all that, free.
    func plan(
        _ encoded: inout EncodedPrompt,
        _ chat: ChatPrompt,
        prompt: String,
        _ tokenizer: Tokenizer
    ) {
        var syntax = syntax
        let tools = (chat.tools?.arrayValue ?? []).compactMap { ToolFacts($0) }
        if tools.isEmpty {
            syntax.toolCalls = nil
        } else if !syntax.describesTools {
            syntax.toolCalls = .hermes
        }
        let isReasoning = endsInReasoning(prompt)
        var holdsCalls = false
        if !tools.isEmpty {
            let calls = ToolCallGrammar(syntax, chat)
            let isStrict = chat.tools?.arrayValue?.contains { $0["function"]?["strict"] == true }
            if chat.toolChoice != .automatic {
                encoded.constraint = calls.required
                holdsCalls = true
            } else if let other = encoded.constraint {
                encoded.constraint = .choice([calls.required, other])
                holdsCalls = true
            } else if calls.isNative || isStrict ?? false {
                encoded.constraint = calls.automatic
                holdsCalls = true
            }
        }
        if let constraint = encoded.constraint {
            encoded.constraint = ToolCallGrammar.after(
                syntax.reasoning,
                hasBegun: isReasoning,
                constraint
            )
        }
        guard syntax.marksParts else { return }
        encoded.answer = AnswerPlan(
            parser: AnswerParser(
                syntax,
                startsInReasoning: isReasoning,
                startsInContent: chat.continuesFinalMessage,
                tools: tools,
                streamsCalls: holdsCalls,
                maximumCallCount: chat.allowsParallelToolCalls ? .max : 1
            ),
            reasoningBudget: chat.reasoningBudget,
            reasoningEnd: tokenizer.encode(syntax.reasoningEnd, specialTokens: true)
        )
    }
}

extension AnswerSyntax {
    /// Whether anything in an answer is more than text.
    fileprivate var marksParts: Bool {
        reasoning != nil || toolCalls != nil || channels != nil || !silentMarkers.isEmpty
    }
}
