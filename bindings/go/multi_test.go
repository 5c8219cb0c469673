package consistentmemcached_test

import (
	"errors"
	"fmt"
	"testing"

	memcached "consistentmemcached"
)

func numberedItems(n int) (items []*memcached.Item, keys []string) {
	for i := 0; i < n; i++ {
		key := fmt.Sprintf("item:%d", i)
		items = append(items, &memcached.Item{Key: key, Value: []byte(fmt.Sprint("value ", i)), Flags: uint32(i)})
		keys = append(keys, key)
	}
	return items, keys
}

func TestMulti(t *testing.T) {
	client, _ := newFleet(t, 3)
	items, keys := numberedItems(1000)
	check(t, client.SetMulti(items))
	got, err := client.GetMulti(append(keys, "missing", keys[0]))
	check(t, err)
	if len(got) != len(items) {
		t.Fatalf("got %d items, want %d", len(got), len(items))
	}
	for _, want := range items {
		item := got[want.Key]
		if item == nil || item.Key != want.Key || string(item.Value) != string(want.Value) || item.Flags != want.Flags {
			t.Fatalf("got %+v, want %+v", item, want)
		}
	}
	item := got[keys[1]]
	item.Value = []byte("swapped")
	check(t, client.CompareAndSwap(item))

	check(t, client.DeleteMulti(keys))
	got, err = client.GetMulti(keys)
	check(t, err)
	if got == nil || len(got) != 0 {
		t.Fatalf("got %v", got)
	}
}

func TestMultiOfNothing(t *testing.T) {
	client, _ := newFleet(t, 1)
	got, err := client.GetMulti(nil)
	check(t, err)
	if got == nil || len(got) != 0 {
		t.Fatalf("got %v", got)
	}
	check(t, client.SetMulti(nil))
	check(t, client.DeleteMulti(nil))
}

func TestMultiValues(t *testing.T) {
	client, _ := newFleet(t, 2)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	check(t, client.SetMulti([]*memcached.Item{
		{Key: "empty"}, {Key: "every", Value: every}, {Key: "gone", Value: []byte("v"), Expiration: -1}, {Key: "lines", Value: []byte("\r\n")},
	}))
	got, err := client.GetMulti([]string{"lines", "gone", "every", "empty"})
	check(t, err)
	if len(got) != 3 || string(got["every"].Value) != string(every) || string(got["lines"].Value) != "\r\n" {
		t.Fatalf("got %v", got)
	}
	if value := got["empty"].Value; value == nil || len(value) != 0 {
		t.Fatalf("got %v", value)
	}
}

func TestMultiDeleteTellsMisses(t *testing.T) {
	client, _ := newFleet(t, 2)
	check(t, client.Set(&memcached.Item{Key: "there", Value: []byte("v")}))
	err := client.DeleteMulti([]string{"missing", "there"})
	wantError(t, err, memcached.ErrCacheMiss)
	var all memcached.MultiError
	if !errors.As(err, &all) || len(all) != 2 || all[0] != memcached.ErrCacheMiss || all[1] != nil {
		t.Fatalf("got %#v", err)
	}
}

func TestMultiBadKeyIsItsOwn(t *testing.T) {
	client, _ := newFleet(t, 2)
	check(t, client.Set(&memcached.Item{Key: "good", Value: []byte("v")}))
	keys := []string{"good", "bad key", "missing", "also bad\x00"}
	got, err := client.GetMulti(keys)
	wantEach(t, err, nil, memcached.ErrMalformedKey, nil, memcached.ErrMalformedKey)
	if len(got) != 1 || string(got["good"].Value) != "v" {
		t.Fatalf("got %v", got)
	}
	var failure *memcached.Error
	if !errors.As(err, &failure) || failure.Message == "" {
		t.Fatalf("got %#v", err)
	}
	wantEach(t, client.DeleteMulti(keys),
		nil, memcached.ErrMalformedKey, memcached.ErrCacheMiss, memcached.ErrMalformedKey)
	wantEach(t, client.SetMulti([]*memcached.Item{{Key: ""}, {Key: "stored", Value: []byte("v")}}),
		memcached.ErrMalformedKey, nil)
	wantValue(t, client, "stored", "v")
}

func TestMultiWithOneServerKilled(t *testing.T) {
	client, servers := newFleet(t, 2)
	items, keys := numberedItems(100)
	check(t, client.SetMulti(items))
	servers[0].kill()

	got, err := client.GetMulti(keys)
	var all memcached.MultiError
	if !errors.As(err, &all) || len(all) != len(keys) {
		t.Fatalf("got %#v", err)
	}
	for i, key := range keys {
		owner, err := client.SelectServer(key)
		check(t, err)
		switch {
		case owner == 0:
			wantFailure(t, all[i])
			if got[key] != nil {
				t.Fatalf("%s came from a dead server", key)
			}
		case all[i] != nil || got[key] == nil:
			t.Fatalf("%s: got %v, %v", key, got[key], all[i])
		}
	}
	wantFailure(t, client.SetMulti(items))
	wantFailure(t, client.DeleteMulti(keys))
}

// wantEach expects a MultiError with these errors in this order.
func wantEach(t *testing.T, err error, want ...error) {
	t.Helper()
	var all memcached.MultiError
	if !errors.As(err, &all) || len(all) != len(want) {
		t.Fatalf("got %#v, want %d errors", err, len(want))
	}
	for i := range want {
		if !errors.Is(all[i], want[i]) {
			t.Fatalf("error %d: got %v, want %v", i, all[i], want[i])
		}
	}
}
