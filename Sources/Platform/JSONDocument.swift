// JSON that may have been written by anybody: read, or refused in words that name the key.

import Foundation

/// Reading of JSON.
public enum JSONDocument {
    /// Decodes a whole text.
    ///
    /// - Throws: ``JSONProblem`` if it is not JSON, gives a key twice in one object, or lacks keys and types that are
    ///   read; what the type throws for values that make no sense.
    public static func decode<Value: Decodable>(_ type: Value.Type, from json: [UInt8]) throws -> Value {
        let value: Value
        do {
            value = try JSONDecoder().decode(type, from: Data(json))
        } catch let error as DecodingError {
            if case .dataCorrupted(let context) = error, context.codingPath.isEmpty,
                let problem = JSONNumber.problem(decoding: type, from: json)
            {
                throw problem
            }
            throw JSONProblem(error)
        }
        // The decoder takes one of two values, and does not say which.
        if let key = keyGivenTwice(in: json) {
            throw JSONProblem(
                "the key \"\(ForeignText.shown(key, bytesMax: ForeignText.nameBytesMax))\" is given twice")
        }
        return value
    }

    /// The first key that an object of a valid JSON text gives twice, as it is written; `nil` if there is none.
    static func keyGivenTwice(in json: [UInt8]) -> String? {
        /// The keys of the objects that are open; a list has none.
        var open: [Set<ArraySlice<UInt8>>?] = []
        var (place, last) = (0, json[0..<0])
        while place < json.count {
            switch json[place] {
            case UInt8(ascii: "\""):
                let start = place + 1
                place = start
                while place < json.count, json[place] != UInt8(ascii: "\"") {
                    place += json[place] == UInt8(ascii: "\\") ? 2 : 1
                }
                last = json[min(start, json.count)..<min(place, json.count)]
            case UInt8(ascii: "{"): open.append([])
            case UInt8(ascii: "["): open.append(nil)
            case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = open.popLast()
            case UInt8(ascii: ":"):
                let index = open.count - 1
                if index >= 0, open[index]?.insert(last).inserted == false {
                    return String(decoding: last, as: UTF8.self)
                }
            default: break
            }
            place += 1
        }
        return nil
    }
}
