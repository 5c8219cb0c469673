package consistentmemcached_test

import (
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
	fleets := make(map[string][]string)
	for _, row := range rows(t, "fleets.tsv") { // fleet, host, port, weight
		fleets[row[0]] = append(fleets[row[0]], fmt.Sprintf("%s:%s weight=%s", row[1], row[2], row[3]))
	}
	keys := lines(t, "keys_A.txt")
	seen := make(map[string]bool)
	for _, row := range rows(t, "placement.tsv") { // system, variant, fleet, key set, indexes
		variant := row[0] + " " + row[1]
		options, wanted := variants[variant]
		if !wanted {
			continue
		}
		seen[variant] = true
		t.Run(variant+" "+row[2], func(t *testing.T) {
			client := newClient(t, options, fleets[row[2]]...)
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

func rows(t *testing.T, name string) (rows [][]string) {
	t.Helper()
	for _, line := range lines(t, name) {
		if !strings.HasPrefix(line, "#") {
			rows = append(rows, strings.Split(line, "\t"))
		}
	}
	return rows
}

func lines(t *testing.T, name string) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "tests", "vectors", name))
	check(t, err)
	return strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
}
