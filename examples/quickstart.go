//go:build ignore

// The client in one minute, with servers as arguments:
//
//	go run -C bindings/go ../../examples/quickstart.go 127.0.0.1:11211
package main

import (
	"errors"
	"fmt"
	"log"
	"os"

	memcached "consistentmemcached"
)

func main() {
	servers := os.Args[1:]
	if len(servers) == 0 {
		servers = []string{"127.0.0.1:11211"}
	}
	client, err := memcached.New(servers, memcached.Options{"timeout_ms": 500, "key_prefix": "quickstart:"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := greet(client); err != nil {
		log.Fatal(err)
	}
	if err := countFruit(client); err != nil {
		log.Fatal(err)
	}
}

func greet(client *memcached.Client) error {
	err := client.Set(&memcached.Item{Key: "greeting", Value: []byte("hello"), Expiration: 60})
	if err != nil {
		return err
	}
	item, err := client.Get("greeting")
	if err != nil {
		return err
	}
	fmt.Printf("greeting: %s\n", item.Value)

	_, err = client.Get("absent")
	if !errors.Is(err, memcached.ErrCacheMiss) {
		return err
	}
	fmt.Println("absent: a miss")
	return nil
}

func countFruit(client *memcached.Client) error {
	err := client.SetMulti([]*memcached.Item{
		{Key: "apples", Value: []byte("3"), Expiration: 60},
		{Key: "pears", Value: []byte("5"), Expiration: 60},
	})
	if err != nil {
		return err
	}
	apples, err := client.Increment("apples", 1)
	if err != nil {
		return err
	}
	fmt.Println("after one more apple:", apples)

	items, err := client.GetMulti([]string{"apples", "pears", "plums"})
	if err != nil {
		return err
	}
	for key, item := range items {
		server, err := client.SelectServer(key)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s, on server %d of the list\n", key, item.Value, server)
	}
	return nil
}
