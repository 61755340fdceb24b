// Package web gives programs the player over HTTP: a JSON API, server-sent events, and a
// client of both, over any style.
//
// It is not a style, measures nothing, and has no page: web/live has the pages and the
// developer interface of rubato serve. Requests go to the player as stimuli through a
// SharedPlayer, one at a time. Nothing here trusts a client: every body, wait and queue
// has a bound, pages of other origins are refused, and a Guard checks hosts and token.
//
// From the inside out: SharedPlayer lets many goroutines use one player (shared.go), Hub
// broadcasts what the player announces (hub.go), API has the routes below /api/ (api.go,
// json.go), Guard and Server give a handler its checks, socket and limits (server.go),
// Client uses all of it (client.go).
package web
