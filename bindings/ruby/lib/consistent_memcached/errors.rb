# frozen_string_literal: true

module ConsistentMemcached
  # A failure: nothing is known about the item. A miss is never an error.
  class Error < StandardError
    # The library's number for this kind of failure, or nil when the library
    # did not take part.
    attr_reader :status

    # Name or address of the server it is about, or ''.
    attr_reader :server

    def initialize(message, status: nil, server: '')
      super(server.empty? ? message : "#{server}: #{message}")
      @status = status
      @server = server
    end

    # The error of the class that belongs to the status.
    def self.of(status, message, server = '')
      BY_STATUS.fetch(status, self).new(message, status: status, server: server)
    end
  end

  # The server could not be asked, or gave no answer.
  class NetworkError < Error; end

  # The time was too short. A write may have happened all the same.
  class TimeoutError < NetworkError; end

  # The server failed lately and is not tried at the moment.
  class ServerDownError < NetworkError; end

  # The connection could not be made, or broke; then a write may have happened all the same.
  class ConnectionError < NetworkError; end

  # The reply was not an answer to the request.
  class ProtocolError < NetworkError; end

  # The name of the server has no address.
  class ResolveError < NetworkError; end

  # The encrypted connection could not be made.
  class TLSError < NetworkError; end

  # The server refused the user name or password.
  class AuthError < Error; end

  # The server answered SERVER_ERROR.
  class ServerError < Error; end

  # The server answered CLIENT_ERROR, for instance to incr of a text.
  class RejectedError < Error; end

  # The server does not know the command.
  class UnsupportedError < Error; end

  # The server list, a ttl or an amount cannot be used.
  class InvalidArgumentError < Error; end

  # The key is empty, too long, or has a space or control character in it.
  class InvalidKeyError < Error; end

  # The value is larger than the server takes. It has deleted the old one.
  class ValueTooLargeError < Error; end

  # There is no such option, or its value is out of range.
  class OptionError < Error; end

  # The client is closed.
  class ClosedError < Error; end

  # The call was given up.
  class CancelledError < Error; end

  # There is no memory left.
  class OutOfMemoryError < Error; end

  # The client is in use in a way that does not allow the call.
  class BusyError < Error; end

  # A bug in the library.
  class PanicError < Error; end

  # The value was not written by this client or one like it.
  class UnmarshalError < Error; end

  # Some operations of a batch failed. Status and server are those of the first.
  class MultiError < Error
    # What the method would have returned, without what failed.
    attr_reader :results

    # The Error of each operation that failed, by its key; for the methods that
    # ask every server, by the server's index in the list.
    attr_reader :errors

    def initialize(results, errors)
      first = errors.each_value.first
      super("#{first.message} (#{errors.size} failed)", status: first.status)
      @server = first.server
      @results = results
      @errors = errors
    end
  end

  class Error
    BY_STATUS = {
      -1 => InvalidArgumentError, -2 => InvalidKeyError, -3 => ValueTooLargeError,
      -4 => TimeoutError, -5 => ServerDownError, -6 => ConnectionError, -7 => ProtocolError,
      -8 => ServerError, -9 => RejectedError, -10 => UnsupportedError, -11 => AuthError,
      -12 => TLSError, -13 => OptionError, -14 => ResolveError, -15 => PanicError,
      -16 => ClosedError, -17 => CancelledError, -18 => OutOfMemoryError, -19 => BusyError
    }.freeze
    private_constant :BY_STATUS
  end
end
