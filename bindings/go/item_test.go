package consistentmemcached_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	memcached "consistentmemcached"
)

func wantValue(t *testing.T, client *memcached.Client, key, want string) *memcached.Item {
	t.Helper()
	item, err := client.Get(key)
	check(t, err)
	if item.Key != key || string(item.Value) != want {
		t.Fatalf("got %q = %q, want %q = %q", item.Key, item.Value, key, want)
	}
	return item
}

func TestSetAndGet(t *testing.T) {
	client, _ := newFleet(t, 2)
	_, err := client.Get("k")
	if err != memcached.ErrCacheMiss { // as it is: programs written for gomemcache compare so
		t.Fatalf("got %v, want ErrCacheMiss", err)
	}
	check(t, client.Set(&memcached.Item{Key: "k", Value: []byte("v"), Flags: 1<<32 - 1}))
	if item := wantValue(t, client, "k", "v"); item.Flags != 1<<32-1 || item.CasID == 0 {
		t.Fatalf("flags %d, cas %d", item.Flags, item.CasID)
	}
}

func TestAddAndReplace(t *testing.T) {
	client, _ := newFleet(t, 1)
	wantError(t, client.Replace(&memcached.Item{Key: "k", Value: []byte("r")}), memcached.ErrNotStored)
	check(t, client.Add(&memcached.Item{Key: "k", Value: []byte("a"), Flags: 7}))
	wantError(t, client.Add(&memcached.Item{Key: "k", Value: []byte("b")}), memcached.ErrNotStored)
	if item := wantValue(t, client, "k", "a"); item.Flags != 7 {
		t.Fatalf("flags %d", item.Flags)
	}
	check(t, client.Replace(&memcached.Item{Key: "k", Value: []byte("c"), Flags: 8}))
	if item := wantValue(t, client, "k", "c"); item.Flags != 8 {
		t.Fatalf("flags %d", item.Flags)
	}
}

func TestAppendAndPrepend(t *testing.T) {
	client, _ := newFleet(t, 1)
	wantError(t, client.Append(&memcached.Item{Key: "k", Value: []byte("c")}), memcached.ErrNotStored)
	wantError(t, client.Prepend(&memcached.Item{Key: "k", Value: []byte("a")}), memcached.ErrNotStored)
	check(t, client.Set(&memcached.Item{Key: "k", Value: []byte("b"), Flags: 5}))
	check(t, client.Append(&memcached.Item{Key: "k", Value: []byte("c")}))
	check(t, client.Prepend(&memcached.Item{Key: "k", Value: []byte("a")}))
	if item := wantValue(t, client, "k", "abc"); item.Flags != 5 {
		t.Fatalf("flags %d", item.Flags)
	}
}

func TestCompareAndSwap(t *testing.T) {
	client, _ := newFleet(t, 1)
	check(t, client.Set(&memcached.Item{Key: "k", Value: []byte("1")}))
	item := wantValue(t, client, "k", "1")
	item.Value, item.Flags = []byte("2"), 9
	check(t, client.CompareAndSwap(item))
	if item := wantValue(t, client, "k", "2"); item.Flags != 9 {
		t.Fatalf("flags %d", item.Flags)
	}
	wantError(t, client.CompareAndSwap(item), memcached.ErrCASConflict)
	check(t, client.Delete("k"))
	wantError(t, client.CompareAndSwap(item), memcached.ErrCacheMiss)
}

func TestCompareAndSwapWithoutCasID(t *testing.T) {
	client, _ := newFleet(t, 1)
	check(t, client.Set(&memcached.Item{Key: "k", Value: []byte("1")}))
	wantError(t, client.CompareAndSwap(&memcached.Item{Key: "k", Value: []byte("2")}), memcached.ErrArgument)
	wantValue(t, client, "k", "1")
}

func TestDelete(t *testing.T) {
	client, _ := newFleet(t, 1)
	wantError(t, client.Delete("k"), memcached.ErrCacheMiss)
	check(t, client.Set(&memcached.Item{Key: "k", Value: []byte("v")}))
	check(t, client.Delete("k"))
	_, err := client.Get("k")
	wantError(t, err, memcached.ErrCacheMiss)
}

func TestIncrementAndDecrement(t *testing.T) {
	client, _ := newFleet(t, 1)
	_, err := client.Increment("k", 1)
	wantError(t, err, memcached.ErrCacheMiss)
	_, err = client.Decrement("k", 1)
	wantError(t, err, memcached.ErrCacheMiss)
	check(t, client.Set(&memcached.Item{Key: "k", Value: []byte("10")}))
	for _, step := range []struct {
		f           func(string, uint64) (uint64, error)
		delta, want uint64
	}{
		{client.Increment, 5, 15},
		{client.Decrement, 6, 9},
		{client.Decrement, 10, 0},
		{client.Increment, 1<<64 - 1, 1<<64 - 1},
		{client.Increment, 2, 1},
	} {
		if got, err := step.f("k", step.delta); err != nil || got != step.want {
			t.Fatalf("by %d: got %d, %v, want %d", step.delta, got, err, step.want)
		}
	}
	check(t, client.Set(&memcached.Item{Key: "k", Value: []byte("text")}))
	_, err = client.Increment("k", 1)
	wantError(t, err, memcached.ErrRejected)
}

func TestExpiration(t *testing.T) {
	client, _ := newFleet(t, 1)
	check(t, client.Set(&memcached.Item{Key: "gone", Value: []byte("v"), Expiration: -1}))
	_, err := client.Get("gone")
	wantError(t, err, memcached.ErrCacheMiss)

	const fortyDays = 40 * 24 * 60 * 60 // a server would take it for a date in 1970
	check(t, client.Set(&memcached.Item{Key: "k", Value: []byte("v"), Expiration: fortyDays}))
	wantValue(t, client, "k", "v")

	unixTime := int32(time.Now().Add(time.Hour).Unix())
	err = client.Set(&memcached.Item{Key: "k", Value: []byte("v"), Expiration: unixTime})
	wantError(t, err, memcached.ErrArgument)
}

func TestTouch(t *testing.T) {
	client, _ := newFleet(t, 1)
	wantError(t, client.Touch("k", 60), memcached.ErrCacheMiss)
	check(t, client.Set(&memcached.Item{Key: "k", Value: []byte("v"), Flags: 3}))
	check(t, client.Touch("k", 60))
	if item := wantValue(t, client, "k", "v"); item.Flags != 3 {
		t.Fatalf("flags %d", item.Flags)
	}
	check(t, client.Touch("k", -1))
	_, err := client.Get("k")
	wantError(t, err, memcached.ErrCacheMiss)
}

func TestGetAndTouch(t *testing.T) {
	client, _ := newFleet(t, 1)
	_, err := client.GetAndTouch("k", 60)
	wantError(t, err, memcached.ErrCacheMiss)
	check(t, client.Set(&memcached.Item{Key: "k", Value: []byte("v"), Flags: 3}))
	item, err := client.GetAndTouch("k", 60)
	check(t, err)
	if string(item.Value) != "v" || item.Flags != 3 {
		t.Fatalf("got %+v", item)
	}
	check(t, client.CompareAndSwap(item))
	_, err = client.GetAndTouch("k", -1)
	check(t, err)
	_, err = client.Get("k")
	wantError(t, err, memcached.ErrCacheMiss)
}

func TestEveryByteAndNoByte(t *testing.T) {
	client, _ := newFleet(t, 1)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for name, value := range map[string][]byte{
		"every": every, "lines": []byte("\r\nEND\r\n"), "empty": {}, "nil": nil, "large": bytes.Repeat(every, 2000),
	} {
		check(t, client.Set(&memcached.Item{Key: name, Value: value}))
		item := wantValue(t, client, name, string(value))
		if item.Value == nil {
			t.Fatalf("%s: the value is nil", name)
		}
	}
}

func TestKeys(t *testing.T) {
	client, _ := newFleet(t, 2)
	for _, key := range []string{strings.Repeat("k", 250), "\x80\xff", "ключ", "a"} {
		check(t, client.Set(&memcached.Item{Key: key, Value: []byte("v")}))
		wantValue(t, client, key, "v")
	}
	for _, key := range []string{
		"", strings.Repeat("k", 251), "a b", " ", "a\x00b", "\x00", "a\n", "a\r\nflush_all", "a\x7f",
	} {
		wantError(t, client.Set(&memcached.Item{Key: key, Value: []byte("v")}), memcached.ErrMalformedKey)
		_, err := client.Get(key)
		wantError(t, err, memcached.ErrMalformedKey)
		var failure *memcached.Error
		if !errors.As(err, &failure) || failure.Message == "" {
			t.Fatalf("%q: got %#v", key, err)
		}
	}
}

func TestValueTooLarge(t *testing.T) {
	client, _ := newFleet(t, 1)
	err := client.Set(&memcached.Item{Key: "k", Value: make([]byte, 2<<20)})
	wantError(t, err, memcached.ErrValueTooLarge)
	_, err = client.Get("k")
	wantError(t, err, memcached.ErrCacheMiss)
}

// cgo would refuse this if it took the value for all that is around it.
func TestValueBesidePointers(t *testing.T) {
	client, _ := newFleet(t, 1)
	page := &struct {
		next  *int
		bytes [4]byte
	}{new(int), [4]byte{'p', 'a', 'g', 'e'}}
	check(t, client.Set(&memcached.Item{Key: "k", Value: page.bytes[:]}))
	wantValue(t, client, "k", "page")
}
