import TrueUpNative

/// The version of the library.
public let version = TrueUpNative.version()

/// The names of every kind of error, as the engine has them.
public let kinds = TrueUpNative.kinds()
