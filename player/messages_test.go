package player

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestMessageLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		username, text int
		ok             bool
	}{
		"nobody":             {0, 5, false},
		"nothing said":       {1, 0, true},
		"longest":            {UsernameLimit, TextLimit, true},
		"username too long":  {UsernameLimit + 1, 5, false},
		"text too long":      {1, TextLimit + 1, false},
		"both much too long": {1 << 16, 1 << 20, false},
	} {
		m := Message{Username: strings.Repeat("u", c.username), Text: strings.Repeat("t", c.text)}
		want := Invalid
		if c.ok {
			want = ""
		}
		var store ledger
		part := NewMessages(&store, true)
		if err := part.Append(m); CodeOf(err) != want || m.Check() == nil != c.ok {
			t.Errorf("%s: %v, want code %q", name, err, want)
		}
		if written := len(store.pending) == 1 && part.Lane.Count == 1; written != c.ok {
			t.Errorf("%s: wrote %q, lane %q", name, store.pending, part.Lane.Lines)
		}
	}
}

func TestMessageSaid(t *testing.T) {
	t.Parallel()
	var store ledger
	messages, users := NewMessages(&store, true), NewUsers(&store, true)
	if err := messages.Append(Message{"ada", "stolen time", 5}); err != nil {
		t.Fatal(err)
	}
	if err := users.Count("ada"); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(store.pending, []string{"message ada", "user ada"}) {
		t.Errorf("wrote %q", store.pending)
	}
	if len(messages.Lane.Lines) != 1 || !strings.HasPrefix(messages.Lane.Lines[0], `append "stolen time" `) || !strings.HasSuffix(messages.Lane.Lines[0], " 5") {
		t.Errorf("lane %q", messages.Lane.Lines)
	}
	if !slices.Equal(users.Lane.Lines, []string{`count "ada"`}) {
		t.Errorf("lane %q", users.Lane.Lines)
	}
	store.err = errors.New("no")
	if err := messages.Append(Message{"ada", "", 5}); CodeOf(err) != Unavailable || messages.Lane.Count != 1 {
		t.Errorf("a failed write: %v, %d lines", err, messages.Lane.Count)
	}
	if err := users.Count("ada"); CodeOf(err) != Unavailable || users.Lane.Count != 1 {
		t.Errorf("a failed write: %v, %d lines", err, users.Lane.Count)
	}
}
