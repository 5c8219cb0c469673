package consistentmemcached_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	memcached "consistentmemcached"
)

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		servers []string
		options memcached.Options
		want    error
		message string
	}{
		{nil, nil, memcached.ErrArgument, ""},
		{[]string{"a", "a"}, nil, memcached.ErrArgument, "a"},
		{[]string{"a weight=0"}, nil, memcached.ErrArgument, ""},
		{[]string{"a\x00b"}, nil, memcached.ErrArgument, "NUL"},
		{[]string{"a"}, memcached.Options{"no_such_option": 1}, memcached.ErrOption, "no_such_option"},
		{[]string{"a"}, memcached.Options{"timeout_ms": "soon"}, memcached.ErrOption, "timeout_ms"},
		{[]string{"a"}, memcached.Options{"timeout_ms": 500 * time.Millisecond}, memcached.ErrOption, "timeout_ms"},
		{[]string{"a"}, memcached.Options{"key_prefix": "a\x00b"}, memcached.ErrArgument, "NUL"},
	} {
		_, err := memcached.New(c.servers, c.options)
		wantError(t, err, c.want)
		if !strings.Contains(err.Error(), c.message) {
			t.Errorf("%q does not name %q", err, c.message)
		}
	}
}

func TestOptionsArePassedOn(t *testing.T) {
	s := startServer(t)
	plain := newClient(t, nil, s.address)
	prefixed := newClient(t, memcached.Options{"key_prefix": "app:", "tcp_nodelay": true}, s.address)
	check(t, prefixed.Set(&memcached.Item{Key: "k", Value: []byte("v")}))
	wantValue(t, plain, "app:k", "v")
	wantValue(t, prefixed, "k", "v")

	silent, _ := startSilent(t)
	client := newClient(t, memcached.Options{"timeout_ms": 50}, silent)
	start := time.Now()
	_, err := client.Get("k")
	wantError(t, err, memcached.ErrTimeout)
	if elapsed := time.Since(start); elapsed < 50*time.Millisecond {
		t.Fatalf("gave up after %v", elapsed)
	}
	var timeout interface{ Timeout() bool }
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("%#v is no timeout", err)
	}
}

func TestStatsFlushAllAndPing(t *testing.T) {
	client, servers := newFleet(t, 2)
	check(t, client.Ping())
	items, keys := numberedItems(20)
	check(t, client.SetMulti(items))
	stats, err := client.Stats("")
	check(t, err)
	for i, s := range servers {
		if got, want := stats[i]["pid"], fmt.Sprint(s.process.Process.Pid); got != want {
			t.Fatalf("server %d: pid %q, want %q", i, got, want)
		}
	}
	settings, err := client.Stats("settings")
	check(t, err)
	if !strings.HasSuffix(servers[1].address, ":"+settings[1]["tcpport"]) {
		t.Fatalf("tcpport %q", settings[1]["tcpport"])
	}
	check(t, client.FlushAll())
	got, err := client.GetMulti(keys)
	check(t, err)
	if len(got) != 0 {
		t.Fatalf("%d items after FlushAll", len(got))
	}

	servers[0].kill()
	stats, err = client.Stats("")
	wantFailure(t, err)
	if stats[0] != nil || stats[1]["pid"] == "" {
		t.Fatalf("got %v", stats)
	}
	wantFailure(t, client.FlushAll())
	wantFailure(t, client.Ping())
}

func TestKilledServerIsNoMiss(t *testing.T) {
	client, servers := newFleet(t, 2)
	lost, kept := keyOf(t, client, 0), keyOf(t, client, 1)
	check(t, client.Set(&memcached.Item{Key: lost, Value: []byte("v")}))
	check(t, client.Set(&memcached.Item{Key: kept, Value: []byte("v")}))
	servers[0].kill()
	for i := 0; i < 5; i++ { // before and after the server is held for down
		_, err := client.Get(lost)
		wantFailure(t, err)
		var failure *memcached.Error
		if !errors.As(err, &failure) || failure.Server != servers[0].address {
			t.Fatalf("got %#v, want the server's name", err)
		}
		wantFailure(t, client.Set(&memcached.Item{Key: lost}))
		wantFailure(t, client.Delete(lost))
		wantFailure(t, client.Touch(lost, 1))
		_, err = client.Increment(lost, 1)
		wantFailure(t, err)
	}
	wantValue(t, client, kept, "v")
}

// everyCall calls each method once and returns the errors by name.
func everyCall(client *memcached.Client) map[string]error {
	item := &memcached.Item{Key: "k", Value: []byte("1")}
	errs := map[string]error{
		"Set": client.Set(item), "Add": client.Add(item), "Replace": client.Replace(item),
		"Append": client.Append(item), "Prepend": client.Prepend(item),
		"CompareAndSwap": client.CompareAndSwap(item), "Delete": client.Delete("k"),
		"Touch": client.Touch("k", 1), "SetMulti": client.SetMulti([]*memcached.Item{item}),
		"DeleteMulti": client.DeleteMulti([]string{"k"}), "FlushAll": client.FlushAll(), "Ping": client.Ping(),
	}
	_, errs["Get"] = client.Get("k")
	_, errs["GetAndTouch"] = client.GetAndTouch("k", 1)
	_, errs["Increment"] = client.Increment("k", 1)
	_, errs["Decrement"] = client.Decrement("k", 1)
	_, errs["GetMulti"] = client.GetMulti([]string{"k"})
	_, errs["Stats"] = client.Stats("")
	_, errs["SelectServer"] = client.SelectServer("k")
	return errs
}

func TestUseAfterClose(t *testing.T) {
	client, _ := newFleet(t, 1)
	check(t, client.Ping())
	check(t, client.Close())
	check(t, client.Close())
	for name, err := range everyCall(client) {
		if !errors.Is(err, memcached.ErrClosed) {
			t.Errorf("%s: got %v, want ErrClosed", name, err)
		}
	}
	unused := &memcached.Client{}
	wantError(t, unused.Ping(), memcached.ErrClosed)
	check(t, unused.Close())
}

func TestCloseWakesCalls(t *testing.T) {
	address, asked := startSilent(t)
	client := newClient(t, memcached.Options{"timeout_ms": 60000}, address)
	errs := make(chan error)
	for i := 0; i < 8; i++ {
		go func() {
			_, err := client.Get("k")
			errs <- err
		}()
		go func() {
			_, err := client.GetMulti([]string{"a", "b"})
			errs <- err
		}()
	}
	<-asked
	go client.Close()
	check(t, client.Close())
	for i := 0; i < 16; i++ {
		select {
		case err := <-errs:
			wantError(t, err, memcached.ErrClosed)
		case <-time.After(30 * time.Second):
			t.Fatal("a call waits though the client is closed")
		}
	}
}

func TestManyGoroutines(t *testing.T) {
	client, _ := newFleet(t, 3)
	var wait sync.WaitGroup
	for worker := 0; worker < 16; worker++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for round := 0; round < 200; round++ {
				if err := oneRound(client, worker, round); err != nil {
					t.Errorf("worker %d, round %d: %v", worker, round, err)
					return
				}
			}
		}()
	}
	wait.Wait()
	got, err := client.Increment("shared", 0)
	if err != nil || got != 16*200 {
		t.Fatalf("the shared counter is at %d, %v", got, err)
	}
}

func oneRound(client *memcached.Client, worker, round int) error {
	key, value := fmt.Sprintf("w%d:%d", worker, round), fmt.Sprintf("value %d of %d", round, worker)
	if err := client.Set(&memcached.Item{Key: key, Value: []byte(value)}); err != nil {
		return err
	}
	item, err := client.Get(key)
	if err != nil || string(item.Value) != value {
		return fmt.Errorf("Get: %v, %v", item, err)
	}
	items, err := client.GetMulti([]string{key, key + ":missing"})
	if err != nil || len(items) != 1 || string(items[key].Value) != value {
		return fmt.Errorf("GetMulti: %v, %v", items, err)
	}
	err = client.Add(&memcached.Item{Key: "shared", Value: []byte("0")})
	if err != nil && !errors.Is(err, memcached.ErrNotStored) {
		return err
	}
	_, err = client.Increment("shared", 1)
	return err
}

func TestQuickstart(t *testing.T) {
	output, err := quickstart(t).Output()
	check(t, err)
	for _, want := range []string{"greeting: hello", "absent: a miss", "one more apple: 4", "apples: 4", "pears: 5"} {
		if !strings.Contains(string(output), want) {
			t.Errorf("no %q in %q", want, output)
		}
	}
}

func TestAnotherVersionOfTheLibraryIsRefused(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.so")
	compiler := exec.Command("cc", "-shared", "-fPIC", "-x", "c", "-o", other, "-")
	compiler.Stdin = strings.NewReader(`const char *cm_version(void) { return "0.0.0"; }`)
	check(t, compiler.Run())
	command := quickstart(t)
	command.Env = append(os.Environ(), "LD_PRELOAD="+other)
	output, err := command.CombinedOutput()
	if err == nil || !strings.Contains(string(output), "found 0.0.0") {
		t.Fatalf("got %v and %q", err, output)
	}
}

func quickstart(t *testing.T) *exec.Cmd {
	program := filepath.Join(t.TempDir(), "quickstart")
	build := exec.Command("go", "build", "-o", program, "../../examples/quickstart.go")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return exec.Command(program, startServer(t).address, startServer(t).address)
}

func TestSetServers(t *testing.T) {
	first, second := startServer(t), startServer(t)
	client := newClient(t, nil, first.address)
	check(t, client.Set(&memcached.Item{Key: "k", Value: []byte("v")}))
	check(t, client.SetServers(second.address))
	_, err := client.Get("k")
	wantError(t, err, memcached.ErrCacheMiss)
	wantError(t, client.SetServers(first.address, first.address), memcached.ErrArgument)
	check(t, client.SetServers(first.address+" weight=2"))
	_, err = client.Get("k")
	check(t, err)
}

func TestFailover(t *testing.T) {
	gone, there := startServer(t), startServer(t)
	client := newClient(t, memcached.Options{"failover": "next"}, gone.address, there.address)
	key := keyOf(t, client, 0)
	gone.kill()
	check(t, client.Set(&memcached.Item{Key: key, Value: []byte("v")}))
	_, err := client.Get(key)
	check(t, err)
}
