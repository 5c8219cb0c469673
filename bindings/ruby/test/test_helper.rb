# frozen_string_literal: true

require 'minitest/autorun'
require 'socket'
require 'consistent_memcached'

# A memcached process on a loopback port, which stays its own while it is away.
class Memcached
  attr_reader :address, :pid

  def initialize
    # Bound, so that nobody else is given the port. memcached may listen there: both set SO_REUSEADDR.
    @reservation = Addrinfo.tcp('127.0.0.1', 0).bind
    port = @reservation.local_address.ip_port
    @address = "127.0.0.1:#{port}"
    @pid = Process.spawn('memcached', '-u', 'root', '-U', '0', '-l', '127.0.0.1', '-p', port.to_s)
    wait_until_it_accepts(port)
  end

  # Ends the process and leaves the port to others.
  def stop
    kill
    @reservation.close
  end

  # Ends the process; doing so twice is fine.
  def kill
    return unless @pid

    Process.kill(:KILL, @pid)
    Process.wait(@pid)
    @pid = nil
  end

  private

  def wait_until_it_accepts(port)
    TCPSocket.open('127.0.0.1', port).close
  rescue Errno::ECONNREFUSED
    raise 'memcached has ended' if Process.wait(@pid, Process::WNOHANG)

    sleep 0.01
    retry
  end
end

# A server that accepts connections and never answers.
class SilentServer
  attr_reader :address

  def initialize
    @server = TCPServer.open('127.0.0.1', 0)
    @address = "127.0.0.1:#{@server.addr[1]}"
  end

  # Waits for a request.
  def wait_for_request
    @connection = @server.accept
    @connection.wait_readable
  end

  def stop
    @connection&.close
    @server.close
  end
end

# What every test has: servers and clients that end with it.
class ClientTest < Minitest::Test
  CM = ConsistentMemcached

  EVERY_BYTE = (0..255).map(&:chr).join.b.freeze

  # For calls that are to be answered, however slow the machine is.
  PATIENT = { timeout_ms: 60_000, connect_timeout_ms: 60_000 }.freeze

  # The errors that the loss of a server explains.
  LOSS = [CM::ConnectionError, CM::TimeoutError, CM::ServerDownError].freeze

  def teardown
    @clients&.each(&:close)
    @servers&.each(&:stop)
  end

  def start(server_class = Memcached)
    server = server_class.new
    (@servers ||= []) << server
    server
  end

  def connect(*servers, **options)
    client = CM::Client.new(servers, **PATIENT, **options)
    (@clients ||= []) << client
    client
  end

  # Starts servers and returns a client of them.
  def fleet(size = 1)
    connect(*Array.new(size) { start.address })
  end

  # A key that the server with this index owns.
  def key_of(client, index)
    (0..).lazy.map { |i| "key:#{i}" }.find { |key| client.select_server(key) == index }
  end

  def assert_binary(expected, actual)
    assert_equal Encoding::BINARY, actual.encoding
    assert_equal expected.b, actual
  end
end
