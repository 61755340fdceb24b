package player

import "testing"

// empty is a store of which nothing is asked.
type empty struct{ Store }

func (empty) Director() DirectorStore { return nil }
func (empty) Log() LogStore           { return nil }
func (empty) Cuts() CutStore          { return nil }

// Parts tell how they are, and lanes that nobody witnesses only count.
func TestFacts(t *testing.T) {
	t.Parallel()
	for _, without := range []bool{false, true} {
		parts := NewParts(Config{Store: empty{}, Batch: 7, Pace: Limited, Unwitnessed: without})
		if err := parts.Pace.Mark(5); err != nil {
			t.Fatal(err)
		}
		if l := parts.Pace.Lane; l.Count != 1 || (l.Digest == NewLane("", false).Digest) != without {
			t.Errorf("unwitnessed %v: %+v", without, l)
		}
		told := map[string]string{}
		for _, f := range parts.Describe() {
			told[f.Name] = f.Value
		}
		want := map[string]string{"batch": "7", "pace": "limited", "sound": "none", "audience": "none", "witnessed": "true"}
		if without {
			want["witnessed"] = "false"
		}
		for name, value := range want {
			if told[name] != value {
				t.Errorf("unwitnessed %v: %s is told as %q, want %q", without, name, told[name], value)
			}
		}
	}
}
