// CURVE keys: public and secret halves as values that cannot be mistaken for each other.

import CZeroMQ

/// What the installed library can do about encryption.
public enum Curve {
    /// Whether the installed library was built with CURVE encryption.
    public static var isAvailable: Bool { zmq_has("curve") != 0 }

    /// Characters in a key's text: 32 bytes, five characters for four bytes.
    static let keyCharacters = 40

    /// Checks a key's text by decoding it.
    static func decode(_ text: String) throws(MessagingError) -> [UInt8] {
        guard text.utf8.count == keyCharacters else {
            throw .malformedKey(reason: "expected \(keyCharacters) characters, found \(text.utf8.count)")
        }
        // The library looks characters up in a table without checking their range first.
        let alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
        guard text.allSatisfy({ alphabet.contains($0) }) else {
            throw .malformedKey(reason: "a character that is not of the Z85 alphabet")
        }
        var bytes = [UInt8](repeating: 0, count: keyCharacters * 4 / 5)
        guard zmq_z85_decode(&bytes, text) != nil else {
            throw .malformedKey(reason: "five of its characters stand for too large a number")
        }
        return bytes
    }

    /// Runs a call of the library that writes texts of keys.
    static func texts(
        _ call: (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<CChar>) -> CInt
    ) throws(MessagingError) -> (String, String) {
        guard isAvailable else { throw .encryptionUnavailable }
        var first = [CChar](repeating: 0, count: keyCharacters + 1)
        var second = first
        guard call(&first, &second) == 0 else { throw LibraryError.last.typed(.handlingKeys) }
        return (text(first), text(second))
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// The half of a key pair that may be known to everybody.
public struct CurvePublicKey: Sendable, Hashable, CustomStringConvertible {
    /// The key in Z85: 40 characters.
    public let text: String

    /// Reads a key.
    ///
    /// - Throws: `.malformedKey` with what is wrong.
    public init(_ text: String) throws(MessagingError) {
        _ = try Curve.decode(text)
        self.text = text
    }

    /// The key of 32 raw bytes; `nil` of any other number of them.
    init?(bytes: [UInt8]) {
        guard bytes.count == Curve.keyCharacters * 4 / 5 else { return nil }
        var characters = [CChar](repeating: 0, count: Curve.keyCharacters + 1)
        guard zmq_z85_encode(&characters, bytes, bytes.count) != nil else { return nil }
        text = String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The key in Z85.
    public var description: String { text }
}

/// The half of a key pair that never leaves its owner. Its description hides it, so that it cannot slip into a log.
public struct CurveSecretKey: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The key in Z85: 40 characters. For writing it to a file that only its owner can read.
    public let text: String

    /// Reads a key.
    ///
    /// - Throws: `.malformedKey` with what is wrong.
    public init(_ text: String) throws(MessagingError) {
        _ = try Curve.decode(text)
        self.text = text
    }

    /// The public half.
    ///
    /// - Throws: `.encryptionUnavailable`.
    public func publicKey() throws(MessagingError) -> CurvePublicKey {
        let (key, _) = try Curve.texts { key, _ in zmq_curve_public(key, text) }
        return try CurvePublicKey(key)
    }

    /// Not the key.
    public var description: String { "(secret key)" }

    /// Not the key.
    public var debugDescription: String { description }
}

extension CurveSecretKey: CustomReflectable {
    /// Not the key.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Both halves.
public struct CurveKeyPair: Sendable, Equatable {
    /// The half for others.
    public let publicKey: CurvePublicKey
    /// The half to keep.
    public let secretKey: CurveSecretKey

    /// The pair that belongs to a secret key.
    ///
    /// - Throws: `.encryptionUnavailable`.
    public init(secretKey: CurveSecretKey) throws(MessagingError) {
        self.secretKey = secretKey
        publicKey = try secretKey.publicKey()
    }

    /// Makes a new pair from the operating system's random numbers.
    ///
    /// - Throws: `.encryptionUnavailable`.
    public static func generate() throws(MessagingError) -> CurveKeyPair {
        let (_, secret) = try Curve.texts { zmq_curve_keypair($0, $1) }
        return try CurveKeyPair(secretKey: CurveSecretKey(secret))
    }
}

/// A socket's part in encryption.
public enum CurveRole: Sendable, Equatable {
    /// The end that proves who it is by its secret key. Which clients may come in is a `CurveGate`'s business: without
    /// one, every client that knows the public key may.
    case server(secretKey: CurveSecretKey)
    /// The end that knows the server's public key and shows its own.
    case client(serverKey: CurvePublicKey, keys: CurveKeyPair)

    func apply(to socket: SocketHandle) throws(MessagingError) {
        guard Curve.isAvailable else { throw .encryptionUnavailable }
        switch self {
        case .server(let secretKey):
            try socket.set(ZMQ_CURVE_SERVER, 1, "curve.server")
            try socket.set(ZMQ_CURVE_SECRETKEY, bytes: try Curve.decode(secretKey.text), "curve.secretKey")
        case .client(let serverKey, let keys):
            try socket.set(ZMQ_CURVE_SERVERKEY, bytes: try Curve.decode(serverKey.text), "curve.serverKey")
            try socket.set(ZMQ_CURVE_PUBLICKEY, bytes: try Curve.decode(keys.publicKey.text), "curve.publicKey")
            try socket.set(ZMQ_CURVE_SECRETKEY, bytes: try Curve.decode(keys.secretKey.text), "curve.secretKey")
        }
    }
}
