// Package web is the player as others reach it: its HTTP API and server-sent events
// over any style, a client of these, the developer interface over a style that has
// insides to show, the small page on top of all that, and the command that serves it
// while the player runs at natural load.
//
// It is no style and measures nothing. What a client asks for goes to the player as a
// stimulus through a Front, one at a time; the developer interface reads what
// player.Inspected shows, and sends none. Nothing here trusts a client: every body,
// wait and queue is bounded, every answer escaped, pages from elsewhere are refused,
// and it listens on loopback only unless there is a token.
//
// From the inside out: Front is the one door to a player (front), Hub tells listeners
// what is broadcast (hub), API is the routes below /api/ (api), Client uses them
// (client). Developer is the routes below /dev/ (developer, flows, stream), Site puts
// the page beside both and a guard before them (site, guard), server gives them a
// socket and its limits, Serve does so for an API alone (served), ServeCommand runs all
// of it over a player under a load, with sound (serve, live, load).
package web
