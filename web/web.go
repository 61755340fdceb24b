// Package web is the player as a browser sees it: the developer interface over
// any style that has insides to show, the small page on top of it, and the command
// that serves both while the player runs at natural load.
//
// It is no style and measures nothing: it reads what player.Inspected shows and
// never sends the player a stimulus that a client asked for. Nothing here trusts a
// client: only GET, every answer escaped, every wait and queue bounded, and on
// loopback only unless there is a token.
//
// From the inside out: Developer is the routes below /dev/ (developer, flows,
// stream), Site puts the page beside them and a guard before them (site, guard),
// server gives them a socket and its limits, ServeCommand runs all that over a
// player under a load (serve, live, load).
package web
