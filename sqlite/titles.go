package sqlite

import (
	"math/rand/v2"
	"strings"
)

// Words for titles and names, so that pages and logs read like a player's.
var (
	adjectives = strings.Fields("Amber Borrowed Broken Burning Crooked Distant Electric Empty Faded Gentle Golden Hollow Idle Late Little Lonely Lost Midnight Northern Paper Quiet Restless Scarlet Second Silver Slow Stolen Sudden Tender Velvet Wandering Winter")
	nouns      = strings.Fields("Avenue Bridge Candle City Clock Coast Dance Door Dream Ember Field Fire Garden Harbour Heart Hour Letter Lighthouse Mirror Moon Mountain Ocean Orchard Parade Rain River Season Shadow Station Summer Time Window")
	forenames  = strings.Fields("Ada Anton Bela Carla Cecil Clara Dora Edgar Elena Emil Fanny Felix Greta Hugo Ines Ivan Jonas Judith Karl Lena Leo Maria Nadia Otto Paula Rosa Simon Theo Ursula Vera Willem Zoe")
	surnames   = strings.Fields("Abel Bach Becker Brandt Castell Dahl Eklund Faber Gruber Hahn Holm Ibsen Jensen Keller Lind Marek Moreau Nagy Novak Olsen Petrov Quist Rossi Sand Silva Tanaka Urban Vidal Weiss Winter Young Zeller")
)

func word(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

func title(r *rand.Rand) string {
	switch r.IntN(4) {
	case 0:
		return word(r, nouns) + " of the " + word(r, nouns)
	case 1:
		return "The " + word(r, adjectives) + " " + word(r, nouns)
	case 2:
		return word(r, adjectives) + " " + word(r, nouns) + " in " + word(r, surnames)
	default:
		return word(r, adjectives) + " " + word(r, nouns)
	}
}

func band(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		return "The " + word(r, adjectives) + " " + word(r, nouns) + "s"
	}
	return word(r, forenames) + " " + word(r, surnames)
}
