// run.json as other hands leave it.

import Configuration
import Tasks
import Testing

@Suite("run.json")
struct RunRecordTests {
    private func text() throws -> String {
        let record = RunRecord(
            version: RunRecord.libraryVersion, run: "00112233", step: 20, totalSteps: 100, stepsPerEpoch: 50, epoch: 0,
            stepInEpoch: 20, lastEvaluated: 10, validationLoss: 1.5, bestValidationLoss: 1.25, positions: [3, 4],
            bestStep: 10, smoothedLoss: 1.75, carriedState: nil, data: ["training": "ab"], vocabulary: 65)
        let run = RunConfiguration(data: DataConfiguration(train: "a.txt"))
        return String(decoding: try record.json(configuration: run.json()), as: UTF8.self)
    }

    private func problem(_ text: String) -> String {
        do {
            _ = try RunRecord.decode(Array(text.utf8), path: "r/run.json")
            return "none"
        } catch {
            return error.description
        }
    }

    @Test(
        "an odd value is refused in one line that names file, key and expectation",
        arguments: [
            (
                "\"epoch\" : 0", "\"epoch\" : -1",
                "\"epoch\": expected a whole number from 0 to 1000000000000000, found -1"
            ),
            ("\"stepsPerEpoch\" : 50", "\"stepsPerEpoch\" : 0", "\"stepsPerEpoch\": expected a whole number from 1 to"),
            (
                "\"vocabulary\" : 65", "\"vocabulary\" : 9000000000000000000",
                "\"vocabulary\": expected a whole number from 1"
            ),
            ("\"vocabulary\" : 65", "\"vocabulary\" : 1e400", "\"vocabulary\": "),
            ("\"step\" : 20", "\"step\" : \"NaN\"", "\"step\": expected a whole number"),
            ("\"step\" : 20", "\"step\" : 20.5", "\"step\": expected a whole number, found 20.5"),
            ("\"step\" : 20", "\"step\" : null", "\"step\": expected a whole number, found null"),
            ("\"step\" : 20,", "", "\"step\" is missing"),
            ("\"step\" : 20", "\"step\" : 20, \"step\" : 21", "\"step\" is given twice"),
            ("\"smoothedLoss\" : 1.75", "\"smoothedLoss\" : \"NaN\"", "\"smoothedLoss\": expected a number"),
            ("\"run\" : \"00112233\"", "\"run\" : 5", "\"run\": expected a text"),
            ("\"training\" : \"ab\"", "\"training\" : [1]", "\"data.training\": expected a text"),
            ("    4\n", "    -4\n", "\"positions\": expected a whole number from 0 to"),
            ("\"hidden\" : 256", "\"hidden\" : -3", "model.hidden: expected a whole number from 1 to 65536, found the"),
            ("\"hidden\" : 256", "\"hidden\" : 256, \"hidden\" : 5", "\"hidden\" is given twice"),
            ("{\n  \"bestStep\"", "\"bestStep\"", "not JSON"),
        ])
    func odd(old: String, new: String, words: String) throws {
        let text = try text()
        let changed = text.replacing(old, with: new, maxReplacements: 1)
        try #require(changed != text, "\(text)")
        let problem = problem(changed)
        #expect(problem.hasPrefix("r/run.json: not a run record of Rondo: ") && problem.contains(words), "\(problem)")
        for foreign in ["DecodingError", "couldn\u{2019}t", "Swift", "Cannot", "\n"] {
            #expect(!problem.contains(foreign), "\(problem)")
        }
    }

    @Test("what a run writes is read, and deep nesting is refused")
    func whole() throws {
        #expect(problem(try text()) == "none")
        let deep = String(repeating: "{\"a\":", count: 100_000)
        #expect(problem(deep) == "r/run.json: not a run record of Rondo: not JSON")
        #expect(problem("[]") == "r/run.json: not a run record of Rondo: expected an object")
    }
}
