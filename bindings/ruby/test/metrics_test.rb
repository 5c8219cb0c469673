# frozen_string_literal: true

require_relative 'test_helper'

# What a client counts, and what it tells of its servers' health.
class MetricsTest < ClientTest
  def test_every_operation_is_counted_once
    address = start.address
    client = connect("#{address} weight=3")
    client.set('k', 'word')
    2.times { client.get('k') }
    client.get('absent')
    assert_raises(CM::RejectedError) { client.incr('k') }
    found, = client.metrics
    assert_equal [address, address, 3, :up], found.to_h.values_at(:identity, :address, :weight, :state)
    assert_equal [5, 2, 1, { rejected: 1 }], found.to_h.values_at(:operations, :hits, :misses, :errors)
    counts = found.to_h.values_at(:connections, :connections_opened, :failovers, :failures, :exchanges)
    assert_equal [1, 1, 0, 0, 5], counts
    latencies = found.to_h.values_at(:latency_p50_us, :latency_p99_us, :latency_max_us, :latency_sum_us)
    assert_equal latencies.sort, latencies
    assert_predicate latencies.first, :positive?
    assert_includes client.prometheus, "\nconsistent_memcached_hits_total{server=\"#{address}\"} 2\n"
  end

  def test_a_server_goes
    client = connect(start.address, failure_threshold: 1)
    client.set('k', 'v')
    assert_empty client.events
    @servers.first.kill
    assert_raises(*LOSS) { client.get('k') }
    events = client.events
    assert_equal 0, events.dropped
    assert_equal([%i[up down]], events.map { |event| [event.from_state, event.to_state] })
    assert_equal @servers.first.address, events.first.server
    assert_in_delta Time.now, events.first.time, 3600
    refute_empty events.first.reason
    assert_equal :down, client.metrics.first.state
  end

  def test_a_closed_client_tells_nothing
    client = connect('127.0.0.1:1')
    client.close
    %i[metrics events prometheus].each { |method| assert_raises(CM::ClosedError) { client.public_send(method) } }
  end
end
