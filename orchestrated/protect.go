package orchestrated

import (
	"fmt"

	"rubato/player"
)

// protectAction runs an action. A panic in a concept is that concept's failure.
func protectAction(a *action, call *Call) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(a.uri, p)
		}
	}()
	return a.Run(call)
}

// protectQuery asks a query, likewise.
func protectQuery(q *query, call *Call) (holds bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			holds, err = false, panicked(q.uri, p)
		}
	}()
	return q.Ask(call)
}

func panicked(uri string, p any) error {
	return &player.Error{Code: player.Unavailable, Op: uri, Err: fmt.Errorf("panic: %v", p)}
}
