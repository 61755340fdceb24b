package orchestrated

// Flush writes what the trace holds to its sink now and returns when that is done,
// so that a measurement can wait for what is otherwise written within FlushEvery.
// Without a sink it does nothing. It may be called from any goroutine.
func (e *Engine) Flush() {
	if e.persister != nil {
		e.persister.flush()
	}
}
