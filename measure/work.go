package measure

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"rubato/runner"
)

const (
	// again is how many inputs there are of a task whose styles are all functions.
	again = 1024
	// batched operations of a slice are timed together: a slice lasts about a millisecond, so they
	// are shorter than 10 µs, and the clock's 70 ns would be felt in each.
	batched = 100
	// mostKept results of a part of the work are looked at after it.
	mostKept = 32
	// longestLine of a transcript; a longer result is cut and digested.
	longestLine = 500
)

// work is a style at work. It is the runner.Workload of all tasks.
type work[In, Out any] struct {
	task   *Task[In, Out]
	setup  runner.Setup
	plain  func(In) Out // of a style that is a function
	system System[In, Out]

	inputs   []In
	at       int // in inputs
	prepared int64
	done     int64
	last     Out
	slices   int
	kept     []Out // last results of some slices
	looks    bool  // at every operation
	lines    []string
	outs     []Out    // of lines, as they were returned
	soon     []In     // inputs that operations which are looked at will get
	given    []string // as they are shown before that
}

func (t Task[In, Out]) open(s runner.Setup) (*work[In, Out], error) {
	i := slices.IndexFunc(t.Styles, func(style Style[In, Out]) bool { return style.Name == s.Style })
	if i < 0 {
		return nil, fmt.Errorf("task %s has no style %q", t.Name, s.Style)
	}
	w := &work[In, Out]{task: &t, setup: s, kept: make([]Out, 0, mostKept), looks: s.Verbatim}
	if style := t.Styles[i]; style.Open == nil {
		w.plain = style.Do
		w.system.Do = func(in In) (Out, error) { return style.Do(in), nil }
	} else {
		var err error
		if w.system, err = style.Open(s); err != nil {
			return nil, err
		}
		if w.system.Do == nil {
			return nil, errors.Join(errors.New("style.Open returned a system without Do"), w.Close())
		}
	}
	if t.pure() {
		for i := range again {
			w.inputs = append(w.inputs, t.input(s, i))
		}
	}
	return w, nil
}

func (t *Task[In, Out]) input(s runner.Setup, i int) (in In) {
	if t.Input != nil {
		return t.Input(s, i)
	}
	if number, is := any(&in).(*int); is {
		*number = i
	}
	return in
}

// Prepare makes the inputs, unless they come again.
func (w *work[In, Out]) Prepare(first, n int) error {
	w.prepared, w.done, w.slices, w.lines, w.outs = int64(n), 0, 0, w.lines[:0], w.outs[:0]
	clear(w.kept)
	w.kept = w.kept[:0]
	if w.at = 0; w.task.pure() {
		if w.at = first % again; w.looks {
			w.soon = w.inputs[w.at:min(w.at+n, again)]
			w.given = shownAll(w.soon)
		}
		return nil
	}
	w.inputs = w.inputs[:0]
	for i := range n {
		w.inputs = append(w.inputs, w.task.input(w.setup, first+i))
	}
	return nil
}

// Run does the next n operations.
func (w *work[In, Out]) Run(n int, latency func(time.Duration)) error {
	var err error
	switch {
	case w.looks:
		err = w.runLooking(n)
	case n < batched:
		err = w.runTimed(n, latency)
	case w.plain != nil:
		w.runPlain(n)
	default:
		err = w.runTogether(n)
	}
	return err
}

// runPlain is the loop of functions: it adds a call through a pointer and two stores.
func (w *work[In, Out]) runPlain(n int) {
	do, inputs, at := w.plain, w.inputs, w.at
	var last Out
	for range n {
		if at == len(inputs) {
			at = 0
		}
		last = do(inputs[at])
		at++
	}
	w.at, w.last = at, last
	w.done += int64(n)
}

// runTogether is the same of systems, which can fail.
func (w *work[In, Out]) runTogether(n int) error {
	for range n {
		out, err := w.system.Do(w.next())
		if err != nil {
			return fmt.Errorf("operation %d: %w", w.done+1, err)
		}
		w.last = out
		w.done++
	}
	return nil
}

// began is when the clock is read from: time.Since reads one clock, and time.Now two.
var began = time.Now()

// runTimed tells how long each operation took. The end of one is the start of the next.
func (w *work[In, Out]) runTimed(n int, latency func(time.Duration)) error {
	start := time.Since(began)
	for range n {
		out, err := w.system.Do(w.next())
		if err != nil {
			return fmt.Errorf("operation %d: %w", w.done+1, err)
		}
		w.last = out
		w.done++
		end := time.Since(began)
		latency(end - start)
		start = end
	}
	return nil
}

// runLooking keeps every result.
func (w *work[In, Out]) runLooking(n int) error {
	for range n {
		if err := w.runTogether(1); err != nil {
			return err
		}
		w.lines, w.outs = append(w.lines, w.show(w.last)), append(w.outs, w.last)
	}
	return nil
}

func (w *work[In, Out]) next() In {
	if w.at == len(w.inputs) {
		w.at = 0
	}
	w.at++
	return w.inputs[w.at-1]
}

// AfterSlice keeps the last result of slices 1, 2, 4, 8 and so on. To look at it now would allocate
// between slices, and to keep all would hold much memory.
func (w *work[In, Out]) AfterSlice() error {
	if w.slices++; w.slices&(w.slices-1) == 0 && len(w.kept) < mostKept {
		w.kept = append(w.kept, w.last)
	}
	return nil
}

func (w *work[In, Out]) show(out Out) string {
	if w.task.Show != nil {
		return w.task.Show(out)
	}
	return fmt.Sprintf("%+v", out)
}

// Work tells what was done, and what can be read back.
func (w *work[In, Out]) Work() (runner.Work, error) {
	seen := fnv.New64a()
	for _, out := range append(w.kept, w.last) {
		_, _ = seen.Write(append([]byte(w.show(out)), 0)) // cannot fail
	}
	done := runner.Work{Stimuli: w.prepared, Effects: w.done, Expected: w.prepared}
	if w.looks {
		done.Wrong = cmp.Or(w.nothing(), w.unsteady())
		done.Lanes = map[string][]string{"results": cut(w.lines)}
	}
	if w.system.State != nil {
		state, err := w.system.State()
		if err != nil {
			return done, fmt.Errorf("reading back its state: %w", err)
		}
		if _, _ = seen.Write([]byte(state)); w.looks {
			done.Lanes["state"] = cut([]string{state})
		}
	}
	done.Digest = fmt.Sprintf("%016x", seen.Sum64())
	return done, nil
}

// nothing says that there is nothing to compare: every result is the zero value, and no state is
// read back. Such a function may have done nothing at all.
func (w *work[In, Out]) nothing() string {
	var zero Out
	empty := w.show(zero)
	if w.system.State != nil || slices.ContainsFunc(w.lines, func(line string) bool { return line != empty }) {
		return ""
	}
	return fmt.Sprintf("it returns nothing to compare: each of %d results is %q. Return what the operation has made, or open a System with State", len(w.lines), empty)
}

// unsteady says what changes although it is looked at later: a result, which some slices keep, or an
// input, which comes again. What hides behind a pointer in it is not seen.
func (w *work[In, Out]) unsteady() string {
	for i, out := range w.outs {
		if now := w.show(out); now != w.lines[i] {
			return fmt.Sprintf("result %d was %.100q, and is %.100q after later calls: return a copy of what is used again", i, w.lines[i], now)
		}
	}
	for i, now := range shownAll(w.soon) {
		if now != w.given[i] {
			return fmt.Sprintf("it changes its input, which comes again after %d operations: %.100q became %.100q. Copy it first, or open a System", again, w.given[i], now)
		}
	}
	return ""
}

func shownAll[In any](inputs []In) (all []string) {
	for _, in := range inputs {
		all = append(all, fmt.Sprintf("%+v", in))
	}
	return all
}

// cut shortens long lines; a digest of the whole stays.
func cut(lines []string) []string {
	short := slices.Clone(lines)
	for i, line := range short {
		if len(line) > longestLine {
			short[i] = fmt.Sprintf("%s … (%d bytes, %x)", line[:longestLine/2], len(line), sha256.Sum256([]byte(line)))
		}
	}
	return short
}

// Witness has Work look at every operation.
func (w *work[In, Out]) Witness(on bool) { w.looks = on }

// Isolate has nothing to take away.
func (w *work[In, Out]) Isolate() (string, error) { return "", nil }

func (w *work[In, Out]) Close() error {
	if w.system.Close == nil {
		return nil
	}
	return w.system.Close()
}
