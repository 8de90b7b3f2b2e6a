// What to say when a run diverges: what can be to blame, and the command that goes on from before.

import Configuration
import Foundation
import Platform

/// Advice for a run whose loss has exploded or is no number any more.
public enum DivergenceAdvice {
    /// The keys that can be to blame, with their values: "training.adam.rate 0.01, training.clip 0 (no clipping)".
    static func suspects(_ training: TrainingConfiguration) -> String {
        var suspects = ["training.adam.rate \(training.adam.rate)"]
        suspects.append(training.clip > 0 ? "training.clip \(training.clip)" : "training.clip 0 (no clipping)")
        if hasTinyEpsilon(training) { suspects.append("training.adam.epsilon \(training.adam.epsilon)") }
        if hasShortMemory(training) { suspects.append("training.adam.beta2 \(training.adam.beta2)") }
        return suspects.joined(separator: ", ")
    }

    /// Next to nothing keeps updates of small gradients small.
    private static func hasTinyEpsilon(_ training: TrainingConfiguration) -> Bool {
        training.adam.epsilon < AdamConfiguration().epsilon / 100
    }

    /// The mean of the squares of gradients is over too few steps to be one.
    private static func hasShortMemory(_ training: TrainingConfiguration) -> Bool { training.adam.beta2 < 0.9 }

    /// A tenth of a rate, to two digits.
    static func lowerRate(_ rate: Double) -> Double { Double(String(format: "%.1e", rate / 10)) ?? rate / 10 }

    /// The command that goes on from the newest sound checkpoint of a run with a tenth of its rate, with clipping
    /// where there was none, and with the usual values of what is far from them.
    public static func command(output: String, configuration: RunConfiguration) -> String {
        let training = configuration.training
        let usual = AdamConfiguration()
        var others = training.clip > 0 ? "" : " --set training.clip=\(TrainingConfiguration().clip)"
        if hasTinyEpsilon(training) { others += " --set training.adam.epsilon=\(usual.epsilon)" }
        if hasShortMemory(training) { others += " --set training.adam.beta2=\(usual.beta2)" }
        return "rondo train \(ShellWord.quoted(output + "/configuration.json")) --output \(ShellWord.quoted(output)) "
            + "--set training.adam.rate=\(lowerRate(training.adam.rate))\(others) \(ConfigurationChanges.option)"
    }

    /// "likely to blame: …; from the checkpoint of step 20 on with a lower rate: rondo train …"
    static func advice(output: String, configuration: RunConfiguration, soundStep: Int?) -> String {
        let place = soundStep.map { "go on from the sound checkpoint of step \($0)" } ?? "begin anew"
        return "likely to blame: \(suspects(configuration.training)); \(place) with a lower rate: "
            + command(output: output, configuration: configuration)
    }
}
