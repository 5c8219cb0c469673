# frozen_string_literal: true

module ConsistentMemcached
  # What the library tells of servers. Not for use outside this gem.
  module Native
    # What cm_server counts, in its order.
    COUNTS = %i[connections connections_opened connections_replaced operations hits misses errors failovers
                failures timeouts protocol_violations quiet_failures exchanges
                latency_sum_us latency_p50_us latency_p99_us latency_max_us].freeze

    # cm_server.
    class Server < FFI::Struct
      layout :identity, :string, :address, :string, :weight, :uint32, :state, :uint32,
             *COUNTS.flat_map { |name| [name, :uint64] },
             :errors_by_status, :pointer, :errors_by_status_count, :size_t
    end

    # cm_event.
    class Event < FFI::Struct
      layout :time_ms, :int64, :server, :string, :from_state, :uint32, :to_state, :uint32, :reason, :string
    end

    attach_function :cm_servers_snapshot, %i[pointer pointer pointer], :int32
    attach_function :cm_servers_count, [:pointer], :size_t
    attach_function :cm_servers_at, %i[pointer size_t], :pointer
    attach_function :cm_servers_free, [:pointer], :void
    attach_function :cm_events_take, %i[pointer pointer pointer], :int32
    attach_function :cm_events_count, [:pointer], :size_t
    attach_function :cm_events_at, %i[pointer size_t], :pointer
    attach_function :cm_events_dropped, [:pointer], :uint64
    attach_function :cm_events_free, [:pointer], :void
    attach_function :cm_metrics_prometheus, %i[pointer pointer pointer], :int32
    attach_function :cm_text_free, [:pointer], :void
  end

  # What is known of a server. Counts only grow. state is :up, :suspect, :down
  # or :probing. errors are the operations that failed, as in { timeout: 3 }. The
  # counts are described in docs/metrics.md; latencies are in microseconds.
  ServerMetrics = Struct.new(:identity, :address, :weight, :state, *Native::COUNTS, keyword_init: true)

  # The state of a server changed.
  Event = Struct.new(:time, :server, :from_state, :to_state, :reason, keyword_init: true)

  # Events, the oldest first. dropped is how many older ones are lost: a client
  # keeps the last 1024.
  class Events < Array
    attr_accessor :dropped
  end

  # What a client tells of its servers. Asks none of them.
  module Metrics
    STATES = [nil, :up, :suspect, :down, :probing].freeze # CM_SERVER_UP and so on
    private_constant :STATES

    # The ServerMetrics of each server, in the order of the list.
    def metrics
      told(:cm_servers_free, :cm_servers_snapshot) do |servers|
        Array.new(Native.cm_servers_count(servers)) do |index|
          server_metrics(Native::Server.new(Native.cm_servers_at(servers, index)))
        end
      end
    end

    # What has become of the servers since this was last asked: Events.
    def events
      told(:cm_events_free, :cm_events_take) do |taken|
        events = Events.new(Native.cm_events_count(taken)) do |index|
          event(Native::Event.new(Native.cm_events_at(taken, index)))
        end
        events.dropped = Native.cm_events_dropped(taken)
        events
      end
    end

    # The metrics in Prometheus' text format, version 0.0.4.
    def prometheus
      told(:cm_text_free, :cm_metrics_prometheus) { |text| utf8(text.read_string) }
    end

    private

    def told(free, function)
      Native.call_for(free, function, @native) do |object, error|
        raise error if error

        yield object
      end
    end

    def server_metrics(server)
      counts = Native::COUNTS.to_h { |name| [name, server[name]] }
      counts[:errors] = error_counts(server)
      ServerMetrics.new(identity: utf8(server[:identity]), address: utf8(server[:address]),
                        weight: server[:weight], state: STATES[server[:state]], **counts)
    end

    # By the names of their statuses, without CM_ERR_.
    def error_counts(server)
      counts = server[:errors_by_status].read_array_of_uint64(server[:errors_by_status_count])
      named = counts.each_with_index.reject { |count, _| count.zero? }
      named.to_h { |count, number| [Native.cm_status_name(-number).delete_prefix('CM_ERR_').downcase.to_sym, count] }
    end

    def event(event)
      Event.new(time: Time.at(0, event[:time_ms], :millisecond), server: utf8(event[:server]),
                from_state: STATES[event[:from_state]], to_state: STATES[event[:to_state]],
                reason: utf8(event[:reason]))
    end

    def utf8(text)
      text.force_encoding(Encoding::UTF_8)
    end
  end
end
