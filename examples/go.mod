module rubato/examples

go 1.26.0

require (
	github.com/nats-io/nats-server/v2 v2.15.2
	github.com/nats-io/nats.go v1.55.0
	go.uber.org/goleak v1.3.0
	zombiezen.com/go/sqlite v1.4.2
	rubato v0.0.0
)

replace rubato => ..

// As in rubato's own go.mod, which counts for rubato alone.
replace codeberg.org/go-fonts/liberation => ../reports/fonts
