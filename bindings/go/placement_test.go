package consistentmemcached_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	memcached "consistentmemcached"
)

// variants are those of placement.tsv that are checked here, with the options
// that give them. The library's own tests check all of them.
var variants = map[string]memcached.Options{
	"reference rehash_slots_65536":           nil,
	"reference rehash_slots_262144":          {"slots": 262144},
	"reference rehash_slots_4096":            {"slots": 4096},
	"python-memcached-1.62 modulo_crc32":     {"distribution": "modulo", "hash": "crc32"},
	"python-memcached-1.62 modulo_cmemcache": {"distribution": "modulo", "hash": "cmemcache"},
}

func TestPlacement(t *testing.T) {
	var fleets map[string][]struct {
		Host   string
		Port   int
		Weight int
	}
	check(t, json.Unmarshal(vectors(t, "fleets.json"), &fleets))
	keys := strings.Split(strings.TrimSuffix(string(vectors(t, "keys_A.txt")), "\n"), "\n")
	seen := make(map[string]bool)
	for _, line := range strings.Split(string(vectors(t, "placement.tsv")), "\n") {
		row := strings.Split(line, "\t") // system, variant, fleet, key set, indexes
		variant := strings.Join(row[:min(2, len(row))], " ")
		options, wanted := variants[variant]
		if !wanted {
			continue
		}
		seen[variant] = true
		t.Run(variant+" "+row[2], func(t *testing.T) {
			var servers []string
			for _, s := range fleets[row[2]] {
				servers = append(servers, fmt.Sprintf("%s:%d weight=%d", s.Host, s.Port, s.Weight))
			}
			client := newClient(t, options, servers...)
			for i, index := range strings.Split(row[4], ",") {
				want, err := strconv.Atoi(index)
				check(t, err)
				got, err := client.SelectServer(keys[i])
				check(t, err)
				if got != want {
					t.Fatalf("%q goes to server %d, want %d", keys[i], got, want)
				}
			}
		})
	}
	if len(seen) != len(variants) {
		t.Fatalf("placement.tsv has only %v", seen)
	}
}

func vectors(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "tests", "vectors", name))
	check(t, err)
	return content
}
