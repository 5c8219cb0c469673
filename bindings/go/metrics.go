package consistentmemcached

// #include <consistent_memcached.h>
import "C"

import (
	"time"
	"unsafe"
)

// ServerState is what is thought of a server.
type ServerState int

// The states of a server.
const (
	ServerUp      ServerState = C.CM_SERVER_UP
	ServerSuspect ServerState = C.CM_SERVER_SUSPECT // has failed, not often enough to be down
	ServerDown    ServerState = C.CM_SERVER_DOWN
	ServerProbing ServerState = C.CM_SERVER_PROBING // was down, and one caller looks whether it is back
)

func (s ServerState) String() string {
	switch s {
	case ServerUp:
		return "up"
	case ServerSuspect:
		return "suspect"
	case ServerDown:
		return "down"
	case ServerProbing:
		return "probing"
	}
	return "unknown"
}

// ServerMetrics is what is known of a server. Counts only grow. Latencies are
// those of exchanges, from sending to the last answer; the percentiles are off
// by less than an eighth.
type ServerMetrics struct {
	Identity            string // its name, or else its address
	Address             string // "host:port" or "unix:/path", in canonical form
	Weight              int
	State               ServerState
	Connections         uint64            // open now
	ConnectionsOpened   uint64            // made so far
	ConnectionsReplaced uint64            // found unusable after they had been idle
	Operations          uint64            // that came to an end here: answered, or failed
	Hits                uint64            // reads of an item that was there
	Misses              uint64            // reads of an item that was not there
	Errors              map[Status]uint64 // operations that failed, by status; only what there was
	Failovers           uint64            // operations that another server was asked instead
	Failures            uint64            // connections not made, broken, or left unanswered
	Timeouts            uint64            // of the failures those where the time was over
	ProtocolViolations  uint64            // of the failures those where the protocol was not kept to
	QuietFailures       uint64            // refusals of quiet operations that no result told of
	Exchanges           uint64            // all that was asked in one go was answered
	LatencySum          time.Duration     // all exchanges together
	LatencyP50          time.Duration
	LatencyP99          time.Duration
	LatencyMax          time.Duration
}

// Metrics returns what is known of each server, in the order of the list. It
// asks no server.
func (c *Client) Metrics() ([]ServerMetrics, error) {
	var servers *C.cm_servers
	err := c.call(func(native *C.cm_client, failure **C.cm_error) C.cm_status {
		return C.cm_servers_snapshot(native, &servers, failure)
	})
	if err != nil {
		return nil, err
	}
	defer C.cm_servers_free(servers)
	metrics := make([]ServerMetrics, C.cm_servers_count(servers))
	for i := range metrics {
		metrics[i] = serverMetrics(C.cm_servers_at(servers, C.size_t(i)))
	}
	return metrics, nil
}

func serverMetrics(server *C.cm_server) ServerMetrics {
	return ServerMetrics{
		Identity:            C.GoString(server.identity),
		Address:             C.GoString(server.address),
		Weight:              int(server.weight),
		State:               ServerState(server.state),
		Connections:         uint64(server.connections),
		ConnectionsOpened:   uint64(server.connections_opened),
		ConnectionsReplaced: uint64(server.connections_replaced),
		Operations:          uint64(server.operations),
		Hits:                uint64(server.hits),
		Misses:              uint64(server.misses),
		Errors:              errorCounts(server),
		Failovers:           uint64(server.failovers),
		Failures:            uint64(server.failures),
		Timeouts:            uint64(server.timeouts),
		ProtocolViolations:  uint64(server.protocol_violations),
		QuietFailures:       uint64(server.quiet_failures),
		Exchanges:           uint64(server.exchanges),
		LatencySum:          microseconds(server.latency_sum_us),
		LatencyP50:          microseconds(server.latency_p50_us),
		LatencyP99:          microseconds(server.latency_p99_us),
		LatencyMax:          microseconds(server.latency_max_us),
	}
}

func errorCounts(server *C.cm_server) map[Status]uint64 {
	counts := make(map[Status]uint64)
	for number, count := range unsafe.Slice(server.errors_by_status, server.errors_by_status_count) {
		if count > 0 {
			counts[Status(-number)] = uint64(count)
		}
	}
	return counts
}

func microseconds(count C.uint64_t) time.Duration {
	return time.Duration(count) * time.Microsecond
}

// Event tells that the state of a server changed.
type Event struct {
	Time     time.Time
	Server   string // its identity
	From, To ServerState
	Reason   string
}

// Events returns what has become of the servers since it was last called, the
// oldest first. A client keeps the last 1024 events; dropped tells how many
// older ones are lost.
func (c *Client) Events() (events []Event, dropped uint64, err error) {
	var taken *C.cm_events
	err = c.call(func(native *C.cm_client, failure **C.cm_error) C.cm_status {
		return C.cm_events_take(native, &taken, failure)
	})
	if err != nil {
		return nil, 0, err
	}
	defer C.cm_events_free(taken)
	events = make([]Event, C.cm_events_count(taken))
	for i := range events {
		event := C.cm_events_at(taken, C.size_t(i))
		events[i] = Event{
			Time:   time.UnixMilli(int64(event.time_ms)),
			Server: C.GoString(event.server),
			From:   ServerState(event.from_state),
			To:     ServerState(event.to_state),
			Reason: C.GoString(event.reason),
		}
	}
	return events, uint64(C.cm_events_dropped(taken)), nil
}

// Prometheus returns the metrics in Prometheus' text format, version 0.0.4. It
// asks no server.
func (c *Client) Prometheus() (string, error) {
	var text *C.char
	err := c.call(func(native *C.cm_client, failure **C.cm_error) C.cm_status {
		return C.cm_metrics_prometheus(native, &text, failure)
	})
	if err != nil {
		return "", err
	}
	defer C.cm_text_free(text)
	return C.GoString(text), nil
}
