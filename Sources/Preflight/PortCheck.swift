// Whether a server could listen at an endpoint.

import Messaging

/// Tries an endpoint for a moment.
public enum PortCheck {
    /// Binds and lets go again.
    ///
    /// - Returns: why a server could not listen there; `nil` if it could.
    public static func finding(_ endpoint: Endpoint) -> Finding? {
        do {
            let context = try Context()
            defer { _ = context.terminate(withinMilliseconds: 500) }
            let socket = try Socket(.router, in: context)
            _ = try socket.bind(endpoint)
            socket.close()
            return nil
        } catch {
            return Finding(.port, "--bind \(endpoint): \(error)")
        }
    }
}
