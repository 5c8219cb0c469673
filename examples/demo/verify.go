//go:build ignore

// Reads what the C example stored and checks every value and owner:
//
//	go run -C bindings/go ../../examples/demo/verify.go COUNT OWNERS SERVER...
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	memcached "consistentmemcached"
)

const batch = 1000

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: verify COUNT OWNERS SERVER...")
	}
	count, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	owners, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	right, agreed, err := verify(count, strings.Fields(string(owners)), os.Args[3:])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("Go: %d values right, %d owners agreed\n", right, agreed)
	if right != count || agreed != count {
		os.Exit(1)
	}
}

func verify(count int, owners, servers []string) (right, agreed int, err error) {
	client, err := memcached.New(servers, nil)
	if err != nil {
		return 0, 0, err
	}
	defer client.Close()
	for first := 0; first < count; first += batch {
		keys := make([]string, min(batch, count-first))
		for i := range keys {
			keys[i] = fmt.Sprintf("user:%06d", first+i)
		}
		items, err := client.GetMulti(keys)
		if err != nil {
			return 0, 0, err
		}
		for i, key := range keys {
			if item := items[key]; item != nil && string(item.Value) == "profile of "+key {
				right++
			}
			server, err := client.SelectServer(key)
			if err != nil {
				return 0, 0, err
			}
			if strconv.Itoa(server) == owners[first+i] {
				agreed++
			}
		}
	}
	return right, agreed, nil
}
