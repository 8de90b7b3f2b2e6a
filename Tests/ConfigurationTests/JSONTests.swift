// The configuration as JSON, and the comparison of two configurations.

import Foundation
import Testing

@testable import Configuration

@Suite("A configuration as JSON")
struct JSONTests {
    private let run = RunConfiguration(
        data: DataConfiguration(train: "a/ü \"b\".txt", validation: .file("0.5"), tokenizer: .words),
        training: TrainingConfiguration(
            steps: 77, adam: AdamConfiguration(rate: 0.002, epsilon: 1e-8), seed: .max, validate: .steps(9)))

    @Test("JSON gives back the same configuration, and the same bytes")
    func roundTrip() throws {
        let json = run.json()
        let again = try RunConfiguration(json: json)
        #expect(again == run)
        #expect(again.json() == json)
        let plain = RunConfiguration(data: DataConfiguration(train: "x", validation: .fraction(0.25)))
        #expect(try RunConfiguration(json: plain.json()) == plain)
    }

    @Test("keys are sorted and all defaults are filled in")
    func text() {
        let plain = RunConfiguration(data: DataConfiguration(train: "data/x.txt"))
        let text = String(decoding: plain.json(), as: UTF8.self)
        #expect(text.contains("\"train\" : \"data/x.txt\""))
        #expect(text.contains("\"beta2\" : 0.999"))
        #expect(text.contains("\"validate\" : \"epoch\""))
        #expect(text.firstRange(of: "checkpoints")!.lowerBound < text.firstRange(of: "training")!.lowerBound)
    }

    @Test("it can be a part of other JSON")
    func nested() throws {
        let bytes = try JSONEncoder().encode(["configuration": run])
        #expect(try JSONDecoder().decode([String: RunConfiguration].self, from: bytes)["configuration"] == run)
    }

    @Test("JSON is checked like YAML")
    func checked() {
        let text = String(decoding: run.json(), as: UTF8.self)
        func problem(_ text: String) -> String? {
            do {
                _ = try RunConfiguration(json: Array(text.utf8))
                return nil
            } catch {
                return error.description
            }
        }
        #expect(problem(text) == nil)
        #expect(
            problem(text.replacing("\"hidden\"", with: "\"hiden\""))
                == "run configuration: model.hiden: unknown key; did you mean 'hidden'?")
        #expect(
            problem(text.replacing("\"keep\" : 3", with: "\"keep\" : 0"))
                == "run configuration: checkpoints.keep: expected a whole number from 1 to 1000000, found the number 0")
        #expect(problem("{") == "run configuration: not JSON")
        #expect(problem(String(repeating: "[", count: 5_000)) == "run configuration: not JSON")
    }

    @Test("differences name the dotted keys and both values")
    func differences() {
        var other = run
        other.training.adam.rate = 0.01
        other.training.steps = nil
        other.data.validation = .fraction(0.1)
        let differences = run.differences(from: other)
        #expect(differences.map(\.key) == ["data.validation", "training.adam.rate", "training.steps"])
        #expect(differences.map(\.ours) == ["0.5", "0.002", "77"])
        #expect(differences.map(\.theirs) == ["0.1", "0.01", "none"])
        #expect(run.differences(from: run).isEmpty)
    }
}
