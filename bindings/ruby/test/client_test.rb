# frozen_string_literal: true

require_relative 'test_helper'
require 'open3'
require 'timeout'

# The client as a whole: options, servers that fail, threads, closing.
class WholeClientTest < ClientTest
  LIMIT = 30 # seconds; only guards against hanging

  def test_new_refuses
    assert_raises(CM::InvalidArgumentError) { CM::Client.new([]) }
    assert_raises(CM::InvalidArgumentError) { CM::Client.new(%w[a a]) }
    assert_raises(CM::InvalidArgumentError) { CM::Client.new('a weight=0') }
    assert_raises(ArgumentError) { CM::Client.new("a\0b") }
    assert_raises(ArgumentError) { CM::Client.new('a', key_prefix: "a\0b") }
    error = assert_raises(CM::OptionError) { CM::Client.new('a', no_such_option: 1) }
    assert_includes error.message, 'no_such_option'
    assert_raises(CM::OptionError) { CM::Client.new('a', timeout_ms: 'soon') }
    assert_raises(CM::OptionError) { CM::Client.new('a', timeout_ms: nil) }
  end

  def test_options_are_passed_on
    address = start.address
    connect(address, key_prefix: 'app:', tcp_nodelay: true).set('k', 'v')
    assert_equal 'v', connect(address).get('app:k')

    client = connect(start(SilentServer).address, timeout_ms: 50)
    assert_operator(seconds_for { assert_raises(CM::TimeoutError) { client.get('k') } }, :>=, 0.05)
  end

  def test_another_list_of_servers
    first, second = [start, start].map(&:address)
    client = connect(first)
    client.set('k', 'v')
    client.servers = [second]
    assert_nil client.get('k')
    assert_raises(CM::InvalidArgumentError) { client.servers = [first, first] }
    client.servers = "#{first} weight=2"
    assert_equal 'v', client.get('k')
  end

  def test_failover
    client = connect(start.address, start.address, failover: 'next')
    @servers.first.kill
    keys = (0...20).map { |i| "k#{i}" }
    client.set_multi(keys.to_h { |key| [key, 'v'] })
    assert_equal keys, client.get_multi(keys).keys
  end

  def test_stats_and_flush_all
    client = fleet(2)
    client.set_multi((0...20).to_h { |i| ["k#{i}", 'v'] })
    assert_equal(@servers.map { |server| server.pid.to_s }, client.stats.map { |stats| stats['pid'] })
    assert_equal(@servers.map { |server| server.address[/\d+\z/] },
                 client.stats(:settings).map { |stats| stats['tcpport'] })
    assert_equal [true, true], client.flush_all
    assert_equal({}, client.get_multi((0...20).map { |i| "k#{i}" }))
  end

  def test_stats_and_flush_all_with_one_server_killed
    client = fleet(2)
    @servers.first.kill
    error = assert_raises(CM::MultiError) { client.stats }
    assert_nil error.results[0]
    assert_equal @servers.last.pid.to_s, error.results[1]['pid']
    assert_equal [0], error.errors.keys
    error = assert_raises(CM::MultiError) { client.flush_all }
    assert_equal [nil, true], error.results
  end

  def test_a_killed_server_is_no_miss
    client = fleet(2)
    lost = key_of(client, 0)
    kept = key_of(client, 1)
    [lost, kept].each { |key| client.set(key, 'v') }
    @servers.first.kill
    5.times do # before and after the server is held for down
      error = assert_raises(*LOSS) { client.get(lost) }
      assert_equal @servers.first.address, error.server
      assert_raises(*LOSS) { client.get_cas(lost) }
      assert_raises(*LOSS) { client.set(lost, 'v') }
      assert_raises(*LOSS) { client.delete(lost) }
      assert_raises(*LOSS) { client.touch(lost, 1) }
      assert_raises(*LOSS) { client.incr(lost) }
    end
    assert_equal 'v', client.get(kept)
  end

  def test_use_after_close
    client = fleet
    client.set('k', 'v')
    2.times { assert_nil client.close }
    calls = {
      get: ['k'], get_cas: ['k'], gat: ['k', 1], set: %w[k v], add: %w[k v], replace: %w[k v],
      set_cas: ['k', 'v', 1], append: %w[k v], prepend: %w[k v], delete: ['k'], touch: ['k', 1],
      incr: ['k'], decr: ['k'], get_multi: ['k'], set_multi: [{ 'k' => 'v' }],
      delete_multi: [['k']], stats: [], flush_all: []
    }
    calls.each do |name, arguments|
      assert_raises(CM::ClosedError, name.to_s) { client.public_send(name, *arguments) }
    end
  end

  def test_close_wakes_calls
    server = start(SilentServer)
    client = connect(server.address, timeout_ms: 60_000)
    callers = Array.new(4) { in_thread { client.get('k') } }
    callers += Array.new(4) { in_thread { client.get_multi('a', 'b') } }
    server.wait_for_request
    client.close
    callers.each do |caller|
      assert caller.join(LIMIT), 'a call waits though the client is closed'
      assert_equal(-16, caller.value.status)
    end
  end

  def test_other_threads_run_during_a_call
    server = start(SilentServer)
    client = connect(server.address, timeout_ms: 5000)
    caller = in_thread { client.get('k') }
    server.wait_for_request
    assert_predicate caller, :alive?
    client.close
    assert caller.join(LIMIT)
  end

  def test_an_interrupted_call_does_no_harm
    server = start(SilentServer)
    client = connect(server.address, start.address, timeout_ms: 1000)
    lost = key_of(client, 0)
    kept = key_of(client, 1)
    client.set(kept, 'v')
    20.times do
      assert_raises(Timeout::Error, CM::TimeoutError, CM::ServerDownError) do
        Timeout.timeout(0.01) { client.get(lost) }
      end
      assert_equal 'v', client.get(kept)
    end
  end

  def test_many_threads
    client = fleet(3)
    client.set('shared', 0)
    threads = Array.new(16) { |worker| Thread.new { 100.times { |round| one_round(client, worker, round) } } }
    threads.each { |thread| assert thread.join(LIMIT * 4) }
    assert_equal 1600, client.incr('shared', 0)
  end

  def test_clients_that_are_not_closed_are_collected
    address = start.address
    before = open_files
    20.times { CM::Client.new(address, **PATIENT).set('k', 'v') }
    20.times do
      GC.start
      break if open_files < before + 20
    end
    assert_operator open_files, :<, before + 20
  end

  def test_fork
    client = fleet
    client.set('k', 'v')
    child = fork { exit!(client.get('k') == 'v') }
    _, status = Process.wait2(child)
    assert_predicate status, :success?
    assert_equal 'v', client.get('k')
  end

  def test_quickstart
    library = File.expand_path('../lib', __dir__)
    example = File.expand_path('../../../examples/quickstart.rb', __dir__)
    output, status = Open3.capture2(RbConfig.ruby, '-I', library, example, start.address, start.address)
    assert_predicate status, :success?
    ['greeting: hello', 'a miss: nil', 'one more apple: 4', '"apples"=>"4", "pears"=>"5"'].each do |line|
      assert_includes output, line
    end
  end

  private

  def one_round(client, worker, round)
    key = "w#{worker}:#{round}"
    value = "value #{round} of #{worker}"
    assert client.set(key, value)
    assert_equal value, client.get(key)
    assert_equal({ key => value }, client.get_multi(key, "#{key}:missing"))
    client.incr('shared')
  end

  # A thread whose value is the error that the block raises.
  def in_thread
    Thread.new do
      yield
    rescue CM::Error => e
      e
    end
  end

  def seconds_for
    start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    yield
    Process.clock_gettime(Process::CLOCK_MONOTONIC) - start
  end

  def open_files
    Dir.children('/proc/self/fd').size
  end
end
