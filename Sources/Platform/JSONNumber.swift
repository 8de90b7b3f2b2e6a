// The number in a JSON text that a decoder stumbles over, of which it says no more than that the text is not JSON.

import Foundation

/// A number as it stands in a JSON text, with the key before it.
struct JSONNumber {
    let key: String
    let place: Range<Int>

    /// Which number keeps a valid text from being decoded, in words for the user; `nil` if it is not a number.
    ///
    /// All numbers that are not small and whole are replaced by zeros, and put back one by one.
    static func problem<Value: Decodable>(decoding type: Value.Type, from json: [UInt8]) -> JSONProblem? {
        let suspects = suspects(in: json)
        guard !suspects.isEmpty, suspects.count <= suspectsMax else { return nil }
        func isReadable(_ text: [UInt8]) -> Bool {
            do {
                _ = try JSONDecoder().decode(type, from: Data(text))
            } catch DecodingError.dataCorrupted(let context) where context.codingPath.isEmpty {
                return false
            } catch {
                // Something else is wrong as well.
            }
            return true
        }
        func text(with kept: Int?, as value: [UInt8]? = nil) -> [UInt8] {
            var (text, end) = ([UInt8](), 0)
            for (index, suspect) in suspects.enumerated() {
                text += json[end..<suspect.place.lowerBound]
                text += index == kept ? value ?? Array(json[suspect.place]) : Array("0".utf8)
                end = suspect.place.upperBound
            }
            return text + json[end...]
        }
        guard isReadable(text(with: nil)),
            let guilty = suspects.indices.first(where: { !isReadable(text(with: $0)) })
        else { return nil }
        let takesFractions = isReadable(text(with: guilty, as: Array("0.5".utf8)))
        let suspect = suspects[guilty]
        let found = ForeignText.shown(String(decoding: json[suspect.place], as: UTF8.self), bytesMax: 40)
        let expected = takesFractions ? "a number in the range of its type" : "a whole number"
        return JSONProblem(
            "the key \"\(ForeignText.shown(suspect.key, bytesMax: ForeignText.nameBytesMax))\": expected \(expected), "
                + "found \(found)")
    }

    /// With more numbers than these the search would take long.
    private static let suspectsMax = 64

    /// The numbers that have a fraction, an exponent or many digits, and the words that some programs write for those
    /// that are none.
    private static func suspects(in json: [UInt8]) -> [JSONNumber] {
        var suspects: [JSONNumber] = []
        var (place, text, key) = (0, "", "")
        while place < json.count {
            let byte = json[place]
            if byte == UInt8(ascii: "\"") {
                let start = place + 1
                place = start
                while place < json.count, json[place] != byte { place += json[place] == UInt8(ascii: "\\") ? 2 : 1 }
                place = min(place, json.count)
                text = String(decoding: json[start..<place], as: UTF8.self)
                place += 1
            } else if byte == UInt8(ascii: ":") {
                key = text
                place += 1
            } else if isOfWord(byte) {
                let start = place
                while place < json.count, isOfWord(json[place]) { place += 1 }
                let word = String(decoding: json[start..<place], as: UTF8.self)
                if !key.isEmpty, isNumber(word), Int32(word).map(String.init) != word {
                    suspects.append(JSONNumber(key: key, place: start..<place))
                    if suspects.count > suspectsMax { return suspects }
                }
            } else {
                place += 1
            }
        }
        return suspects
    }

    private static func isNumber(_ word: String) -> Bool {
        word.utf8.first.map { $0 < UInt8(ascii: "A") } ?? false
            || ["nan", "inf", "infinity"].contains(word.lowercased())
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
