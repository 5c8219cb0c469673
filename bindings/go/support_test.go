package consistentmemcached_test

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os/exec"
	"syscall"
	"testing"
	"time"

	memcached "consistentmemcached"
)

// server is a memcached process on a loopback port, which stays its own while
// it is away.
type server struct {
	address string
	process *exec.Cmd
}

func startServer(t *testing.T) *server {
	t.Helper()
	address := reservePort(t)
	host, port, _ := net.SplitHostPort(address)
	process := exec.Command("memcached", "-u", "root", "-U", "0", "-l", host, "-p", port)
	check(t, process.Start())
	s := &server{address, process}
	t.Cleanup(s.kill)
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			return s
		}
		if time.Now().After(end) {
			t.Fatal("memcached does not start")
		}
	}
}

// reservePort binds a socket until the test ends, so that nobody else is given
// its port. A memcached may listen there: both set SO_REUSEADDR.
func reservePort(t *testing.T) (address string) {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	check(t, err)
	t.Cleanup(func() { syscall.Close(socket) })
	check(t, syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	check(t, syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	bound, err := syscall.Getsockname(socket)
	check(t, err)
	return fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
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

// newClient returns a client that is patient, unless the options say otherwise:
// the machine may be slow.
func newClient(t *testing.T, options memcached.Options, servers ...string) *memcached.Client {
	t.Helper()
	all := memcached.Options{"timeout_ms": 60000, "connect_timeout_ms": 60000}
	maps.Copy(all, options)
	client, err := memcached.New(servers, all)
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
