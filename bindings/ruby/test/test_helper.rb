# frozen_string_literal: true

require 'minitest/autorun'
require 'socket'
require 'consistent_memcached'

# A memcached process on a free loopback port.
class Memcached
  attr_reader :address, :pid

  def initialize
    5.times do # another process may take the port first
      port = TCPServer.open('127.0.0.1', 0) { |server| server.addr[1] }
      @address = "127.0.0.1:#{port}"
      @pid = Process.spawn('memcached', '-u', 'root', '-l', '127.0.0.1', '-p', port.to_s)
      return if accepts?(port)

      kill
    end
    raise 'memcached does not start'
  end

  # Ends the process; doing so twice is fine.
  def kill
    return unless @pid

    Process.kill(:KILL, @pid)
    Process.wait(@pid)
    @pid = nil
  end

  private

  def accepts?(port)
    500.times do
      TCPSocket.open('127.0.0.1', port).close
      return true
    rescue Errno::ECONNREFUSED
      sleep 0.01
    end
    false
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

  def kill
    @connection&.close
    @server.close
  end
end

# What every test has: servers and clients that end with it.
class ClientTest < Minitest::Test
  CM = ConsistentMemcached

  EVERY_BYTE = (0..255).map(&:chr).join.b.freeze

  # The errors that the loss of a server explains.
  LOSS = [CM::ConnectionError, CM::TimeoutError, CM::ServerDownError].freeze

  def teardown
    @clients&.each(&:close)
    @servers&.each(&:kill)
  end

  def start(server_class = Memcached)
    server = server_class.new
    (@servers ||= []) << server
    server
  end

  def connect(*servers, **options)
    client = CM::Client.new(servers, **options)
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
