// Package live is rubato serve and rubato trace: the player live at natural load, its
// page, and the developer interface over a style that has rules and traces to show.
//
// It knows no style, store, trace or results: Deps brings them as values. The
// developer interface reads what player.Inspected shows, and sends no stimulus.
//
// serve.go reads the flags, run.go opens everything and runs it, load.go plays the
// people. site.go puts page, API and developer interface behind one guard; developer.go
// has the routes below /dev/, stream.go their events. flow.go and flow_svg.go draw flows;
// trace.go is the command that asks stored ones. runs.go shows past runs, figures.go
// what the player takes now, and beside.go has other styles play at the same time.
package live
