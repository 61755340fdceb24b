package live

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"rubato/player"
)

// slow is a player whose stimuli take as long as their numbers say, in milliseconds.
type slow struct{ player.Player }

func (slow) Do(s player.Stimulus) error {
	<-time.After(time.Duration(s.Seq) * time.Millisecond)
	return nil
}

// The figures are those of a sliding window, by nearest rank, and are none where there is too
// little to tell them.
func TestFigures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, used := newMeter("bus", slow{}), time.Duration(0)
		m.cpu = func() time.Duration { return used }
		check := func(stimuli int, want string) {
			t.Helper()
			f := m.figures(time.Now())
			f.Window = 0
			if got, err := json.Marshal(f); err != nil || string(got) != want || f.Stimuli != stimuli {
				t.Errorf("%s, %v, want %s", got, err, want)
			}
		}
		check(0, `{"style":"bus","cpu_percent":null,"p50_us":null,"p99_us":null,"stimuli":0,"window_s":0}`)
		do := func(kind player.Kind, ms uint64) {
			t.Helper()
			if err := m.Do(player.Stimulus{Kind: kind, Seq: ms}); err != nil {
				t.Fatal(err)
			}
		}
		for ms := range uint64(99) { // 1 to 99: 50 is the middle
			do(player.MessageSaid, ms+1)
		}
		used = 500 * time.Millisecond // of the 4.95 s that they took
		do(player.Period, 50)         // counts for nothing, but ends the fifth second
		check(99, `{"style":"bus","cpu_percent":10.002000400080016,"p50_us":50000,"p99_us":null,"stimuli":99,"window_s":0}`)
		do(player.MessageSaid, 100)
		check(100, `{"style":"bus","cpu_percent":9.805844283192783,"p50_us":50000,"p99_us":99000,"stimuli":100,"window_s":0}`)
		<-time.After(spanWindow + time.Second)
		do(player.MessageSaid, 7)
		f := m.figures(time.Now())
		if f.Stimuli != 1 || *f.P50 != 7000 || f.P99 != nil {
			t.Errorf("after the window: %+v", f)
		}
	})
}
