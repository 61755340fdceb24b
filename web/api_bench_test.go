package web

import (
	"sync"
	"testing"

	"rubato/player"
)

// benched is a stage with clients that listen, as a benchmark needs it.
func benched(b *testing.B, listeners int) (*Hub, *Client, []*Events) {
	b.Helper()
	hub := NewHub(HubConfig{})
	served, err := Serve(NewFront(&stage{}, FrontConfig{}), hub, APIConfig{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = served.Close() })
	client := NewClient(served.URL, ClientConfig{})
	b.Cleanup(client.Close)
	var all []*Events
	for range listeners {
		e, err := client.Listen(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { e.Close() })
		if _, err := e.Next(); err != nil {
			b.Fatal(err)
		}
		all = append(all, e)
	}
	return hub, client, all
}

// What the API itself costs: the player behind it answers at once.
func BenchmarkStatus(b *testing.B) {
	_, client, _ := benched(b, 0)
	for b.Loop() {
		if _, err := client.Status(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// From the broadcast until the last of 100 clients has read it.
func BenchmarkBroadcastTo100(b *testing.B) {
	hub, _, listeners := benched(b, 100)
	var read sync.WaitGroup
	for _, e := range listeners {
		go func() {
			for {
				if _, err := e.Next(); err != nil {
					return // the benchmark is over
				}
				read.Done()
			}
		}()
	}
	for b.Loop() {
		read.Add(len(listeners))
		hub.Hear(player.Announcement{Kind: player.SongChanged, Number: 12})
		read.Wait()
	}
}

// A turn that nobody else wants.
func BenchmarkTurn(b *testing.B) {
	f := NewFront(&stage{}, FrontConfig{})
	for b.Loop() {
		if _, err := f.Status(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
