package consistentmemcached_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	memcached "consistentmemcached"
)

func TestMetrics(t *testing.T) {
	server := startServer(t)
	client := newClient(t, memcached.Options{}, server.address+" weight=3")
	check(t, client.Set(&memcached.Item{Key: "k", Value: []byte("word")}))
	for range 2 {
		if _, err := client.Get("k"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Get("absent"); !errors.Is(err, memcached.ErrCacheMiss) {
		t.Fatal(err)
	}
	if _, err := client.Increment("k", 1); err == nil {
		t.Fatal("a text was incremented")
	}
	metrics, err := client.Metrics()
	check(t, err)
	if len(metrics) != 1 {
		t.Fatalf("%d servers", len(metrics))
	}
	m := metrics[0]
	if m.Identity != server.address || m.Address != server.address || m.Weight != 3 || m.State != memcached.ServerUp {
		t.Errorf("%+v", m)
	}
	if m.Operations != 5 || m.Hits != 2 || m.Misses != 1 || m.Exchanges != 5 || m.Connections != 1 {
		t.Errorf("%+v", m)
	}
	if len(m.Errors) != 1 || m.Errors[memcached.ErrRejected] != 1 || m.Failures != 0 {
		t.Errorf("%+v", m)
	}
	if m.LatencyP50 <= 0 || m.LatencyP50 > m.LatencyP99 || m.LatencyP99 > m.LatencyMax || m.LatencyMax > m.LatencySum {
		t.Errorf("%+v", m)
	}
	page, err := client.Prometheus()
	check(t, err)
	sample := "\nconsistent_memcached_hits_total{server=\"" + server.address + "\"} 2\n"
	if !strings.Contains(page, sample) {
		t.Error(page)
	}
}

func TestEvents(t *testing.T) {
	server := startServer(t)
	client := newClient(t, memcached.Options{"failure_threshold": 1}, server.address)
	check(t, client.Set(&memcached.Item{Key: "k"}))
	if events, dropped, err := client.Events(); len(events) != 0 || dropped != 0 || err != nil {
		t.Fatal(events, dropped, err)
	}
	server.kill()
	if _, err := client.Get("k"); err == nil {
		t.Fatal("a dead server answered")
	}
	events, dropped, err := client.Events()
	check(t, err)
	if len(events) != 1 || dropped != 0 {
		t.Fatal(events, dropped)
	}
	e := events[0]
	if e.Server != server.address || e.From != memcached.ServerUp || e.To != memcached.ServerDown || e.Reason == "" {
		t.Errorf("%+v", e)
	}
	if e.To.String() != "down" || time.Since(e.Time) > time.Hour {
		t.Errorf("%+v", e)
	}
}

func TestAClosedClientTellsNothing(t *testing.T) {
	client := newClient(t, memcached.Options{}, "127.0.0.1:1")
	client.Close()
	_, err := client.Metrics()
	_, _, eventsErr := client.Events()
	_, pageErr := client.Prometheus()
	for _, err := range []error{err, eventsErr, pageErr} {
		if !errors.Is(err, memcached.ErrClosed) {
			t.Error(err)
		}
	}
}
