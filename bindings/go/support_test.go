package consistentmemcached_test

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"testing"
	"time"

	memcached "consistentmemcached"
)

// server is a memcached process on a free loopback port.
type server struct {
	address string
	process *exec.Cmd
}

func startServer(t *testing.T) *server {
	t.Helper()
	for attempt := 0; attempt < 5; attempt++ { // another process may take the port first
		address := freeAddress(t)
		host, port, _ := net.SplitHostPort(address)
		process := exec.Command("memcached", "-u", "root", "-l", host, "-p", port)
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		s := &server{address, process}
		if s.accepts() {
			t.Cleanup(s.kill)
			return s
		}
		s.kill()
	}
	t.Fatal("memcached does not start")
	return nil
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func (s *server) accepts() bool {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if connection, err := net.Dial("tcp", s.address); err == nil {
			connection.Close()
			return true
		}
	}
	return false
}

// kill ends the process; doing so twice is fine.
func (s *server) kill() {
	s.process.Process.Kill()
	s.process.Wait()
}

// startSilent starts a server that accepts connections and never answers. The
// channel gets a value when the first request arrives.
func startSilent(t *testing.T) (address string, asked <-chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	requests := make(chan struct{}, 1)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { connection.Close() })
			go func() {
				if n, _ := connection.Read(make([]byte, 1)); n == 1 {
					select {
					case requests <- struct{}{}:
					default:
					}
				}
			}()
		}
	}()
	return listener.Addr().String(), requests
}

func newClient(t *testing.T, options memcached.Options, servers ...string) *memcached.Client {
	t.Helper()
	client, err := memcached.New(servers, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// newFleet starts n servers and returns a client of them.
func newFleet(t *testing.T, n int) (*memcached.Client, []*server) {
	t.Helper()
	var servers []*server
	var addresses []string
	for i := 0; i < n; i++ {
		s := startServer(t)
		servers, addresses = append(servers, s), append(addresses, s.address)
	}
	return newClient(t, nil, addresses...), servers
}

// keyOf returns a key that the server with this index owns.
func keyOf(t *testing.T, client *memcached.Client, index int) string {
	t.Helper()
	for i := 0; ; i++ {
		key := fmt.Sprintf("key:%d", i)
		owner, err := client.SelectServer(key)
		check(t, err)
		if owner == index {
			return key
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err error, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

// wantFailure expects a failure that the server's loss explains: no answer of
// any kind, and no argument of ours.
func wantFailure(t *testing.T, err error) {
	t.Helper()
	for _, want := range []error{memcached.ErrConnection, memcached.ErrTimeout, memcached.ErrNoServers} {
		if errors.Is(err, want) {
			return
		}
	}
	t.Fatalf("got error %v, want the failure of a server", err)
}
