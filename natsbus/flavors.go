package natsbus

import (
	"errors"
	"fmt"
	"sync"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// A refill asks module pd for a flavor and gives it back with the next request. Where a rule
// says so, a module remembers the flavors that it has sent, and gets back only the digest.

// Values of the placement's Flavor.
const (
	flavorOnce  = "once"
	flavorTwice = "twice"
)

// forgotten is the code of an answer that wants the flavors themselves.
const forgotten = player.Code("flavor-forgotten")

var errForgotten = errors.New("the flavor is not known here")

// sentFlavors are the last flavors that a module has sent.
type sentFlavors struct {
	mu   sync.Mutex
	ring []engine.Value
	next int
}

const flavorsKept = 8

// nameFlavors replaces flavors by their digests. One whose digest is 0 has no name.
func nameFlavors(values []engine.Value, s schema) []engine.Value {
	for i, f := range s.fields {
		v := values[i].Flavor()
		if f.Type != engine.Flavor || v == nil {
			continue
		}
		if digest := v.Digest(); digest != 0 {
			values[i] = engine.Nat(digest)
		}
	}
	return values
}

// remember keeps the flavors among these values.
func (k *sentFlavors) remember(s schema, values []engine.Value) {
	for i, f := range s.fields {
		if f.Type == engine.Flavor && values[i].Flavor() != nil && len(k.ring) > 0 {
			k.mu.Lock()
			k.ring[k.next%len(k.ring)] = values[i]
			k.next++
			k.mu.Unlock()
		}
	}
}

// find replaces names by flavors.
func (k *sentFlavors) find(s schema, values []engine.Value) error {
	for i, f := range s.fields {
		if f.Type != engine.Flavor || values[i].Flavor() != nil {
			continue
		}
		v, err := k.named(values[i].Nat())
		if err != nil {
			return fmt.Errorf("decode %s: %w", f.Name, err)
		}
		values[i] = v
	}
	return nil
}

func (k *sentFlavors) named(digest uint64) (engine.Value, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := k.next - 1; i >= max(0, k.next-len(k.ring)); i-- { // most ask for the newest
		if v := k.ring[i%len(k.ring)]; v.Flavor().Digest() == digest {
			return v, nil
		}
	}
	return engine.Value{}, errForgotten
}
