import Foundation
import TrueUpNative

/// Every error of trueup: the case says what the caller can do, the message what happened, where, and what to do next,
/// in the same words as in every other language.
///
/// A connector throws it too, to say what its system's failure means:
/// `throw TrueUpError.throttled("too many calls", ErrorDetails(retryAfter: 3))`.
public enum TrueUpError: Error, Sendable {
    /// The call is wrong: change it.
    case invalid(String, ErrorDetails = ErrorDetails())
    /// The data is wrong.
    case data(String, ErrorDetails = ErrorDetails())
    /// The two sides cannot be compared so.
    case incompatible(String, ErrorDetails = ErrorDetails())
    /// It is not there.
    case notFound(String, ErrorDetails = ErrorDetails())
    /// Who asks is not known to the system.
    case unauthenticated(String, ErrorDetails = ErrorDetails())
    /// Who asks may not.
    case forbidden(String, ErrorDetails = ErrorDetails())
    /// The system cannot be reached now: try again.
    case unavailable(String, ErrorDetails = ErrorDetails())
    /// The system wants fewer calls.
    case throttled(String, ErrorDetails = ErrorDetails())
    /// Something else was changed meanwhile.
    case conflict(String, ErrorDetails = ErrorDetails())
    /// It cannot do that.
    case unsupported(String, ErrorDetails = ErrorDetails())
    /// It was stopped.
    case cancelled(String, ErrorDetails = ErrorDetails())
    /// It is too large.
    case limit(String, ErrorDetails = ErrorDetails())
    /// A connector broke its contract.
    case protocolBroken(String, ErrorDetails = ErrorDetails())
    /// Nobody knows whether it happened.
    case unknown(String, ErrorDetails = ErrorDetails())
    /// A mistake in trueup.
    case `internal`(String, ErrorDetails = ErrorDetails())

    /// The kinds of errors; the raw value is the name that every language has.
    public enum Kind: String, CaseIterable, Sendable {
        case invalid, data, incompatible
        case notFound = "not_found"
        case unauthenticated, forbidden, unavailable, throttled, conflict, unsupported, cancelled, limit
        case protocolBroken = "protocol"
        case unknown, `internal`
    }

    /// The error of a kind.
    public init(_ kind: Kind, _ message: String, _ details: ErrorDetails = ErrorDetails()) {
        self =
            switch kind {
            case .invalid: .invalid(message, details)
            case .data: .data(message, details)
            case .incompatible: .incompatible(message, details)
            case .notFound: .notFound(message, details)
            case .unauthenticated: .unauthenticated(message, details)
            case .forbidden: .forbidden(message, details)
            case .unavailable: .unavailable(message, details)
            case .throttled: .throttled(message, details)
            case .conflict: .conflict(message, details)
            case .unsupported: .unsupported(message, details)
            case .cancelled: .cancelled(message, details)
            case .limit: .limit(message, details)
            case .protocolBroken: .protocolBroken(message, details)
            case .unknown: .unknown(message, details)
            case .internal: .internal(message, details)
            }
    }

    /// Its kind.
    public var kind: Kind { parts.0 }

    /// What happened, where, and what to do next.
    public var message: String { parts.1 }

    /// What it says beside its message.
    public var details: ErrorDetails { parts.2 }

    private var parts: (Kind, String, ErrorDetails) {
        switch self {
        case .invalid(let message, let details): (.invalid, message, details)
        case .data(let message, let details): (.data, message, details)
        case .incompatible(let message, let details): (.incompatible, message, details)
        case .notFound(let message, let details): (.notFound, message, details)
        case .unauthenticated(let message, let details): (.unauthenticated, message, details)
        case .forbidden(let message, let details): (.forbidden, message, details)
        case .unavailable(let message, let details): (.unavailable, message, details)
        case .throttled(let message, let details): (.throttled, message, details)
        case .conflict(let message, let details): (.conflict, message, details)
        case .unsupported(let message, let details): (.unsupported, message, details)
        case .cancelled(let message, let details): (.cancelled, message, details)
        case .limit(let message, let details): (.limit, message, details)
        case .protocolBroken(let message, let details): (.protocolBroken, message, details)
        case .unknown(let message, let details): (.unknown, message, details)
        case .internal(let message, let details): (.internal, message, details)
        }
    }
}

/// What an error says beside its message.
public struct ErrorDetails: Sendable {
    /// Where it happened, as name and value.
    public var context: [String: String]
    /// Whether the same call may be made again.
    public var retry: Bool
    /// After how many seconds at the earliest, where the system said so.
    public var retryAfter: Double?
    /// What led to it: for what a connector threw, that very error.
    public var cause: (any Error)?

    public init(
        context: [String: String] = [:], retry: Bool = false, retryAfter: Double? = nil, cause: (any Error)? = nil
    ) {
        self.context = context
        self.retry = retry
        self.retryAfter = retryAfter
        self.cause = cause
    }
}

extension TrueUpError: LocalizedError, CustomStringConvertible {
    public var errorDescription: String? { message }
    public var description: String { "\(kind.rawValue): \(message)" }
}

extension TrueUpError {
    /// What the native half tells of an error.
    init(_ failure: Failure) {
        let (name, message, context, retry, retryAfter, cause) =
            switch failure {
            case .Told(let name, let message, let context, let retry, let retryAfter, let cause):
                (name, message, context, retry, retryAfter, cause)
            }
        let places = Dictionary(context.map { ($0.name, $0.value) }) { first, _ in first }
        let details = ErrorDetails(
            context: places, retry: retry, retryAfter: retryAfter, cause: cause.flatMap(held))
        self.init(Kind(rawValue: name) ?? .internal, message, details)
    }
}

extension Failure {
    /// What the native half is told of what a connector threw.
    init(thrown error: any Error) {
        let ours = error as? TrueUpError ?? TrueUpError(meaning(error), "the connector threw `\(error)`")
        let details = ours.details
        self = .Told(
            kind: ours.kind.rawValue, message: ours.message, context: [], retry: details.retry,
            retryAfter: details.retryAfter, cause: Holder(error))
    }
}

/// Holds what a connector threw while the engine has it.
private final class Holder: Thrown {
    let error: any Error

    init(_ error: any Error) {
        self.error = error
    }

    func text() -> String {
        String(describing: error)
    }
}

/// What a connector threw.
func held(_ thrown: any Thrown) -> (any Error)? {
    (thrown as? Holder)?.error
}

/// What errors of Swift and of Foundation mean; any other is a mistake in the connector.
private func meaning(_ error: any Error) -> TrueUpError.Kind {
    if error is CancellationError { return .cancelled }
    let error = error as NSError
    switch error.domain {
    case NSURLErrorDomain: return error.code == NSURLErrorCancelled ? .cancelled : .unavailable
    case NSPOSIXErrorDomain: return unreachable.contains(Int32(error.code)) ? .unavailable : .protocolBroken
    default: return .protocolBroken
    }
}

/// Codes of systems that cannot be reached now.
private let unreachable: Set<Int32> = [
    ECONNREFUSED, ECONNRESET, ECONNABORTED, EHOSTUNREACH, EHOSTDOWN, ENETUNREACH, ENETDOWN, EPIPE, ETIMEDOUT,
]
