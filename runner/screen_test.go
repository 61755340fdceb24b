package runner

import (
	"bytes"
	"testing"
)

// TestScreen: what can be seen passes, and nothing that moves a cursor, hides or turns text.
func TestScreen(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain, 3 % – Träumerei 夢 🎵\tand\n": "plain, 3 % – Träumerei 夢 🎵\tand\n",
		"\x1b[2J\x1b]0;title\a":             `\u001b[2J\u001b]0;title\u0007`,
		"50 %\rpass":                        `50 %\u000dpass`,
		"a\u009b2Jb\u202ec\u2066d\x7f":      `a\u009b2Jb\u202ec\u2066d\u007f`,
		"\u200b\ufeff\U000e0001":            `\u200b\ufeff\udb40\udc01`,
		"cut \xc3 \x9b":                     "cut \ufffd \ufffd",
		"":                                  "",
	} {
		var b bytes.Buffer
		if n, err := (screen{&b}).Write([]byte(text)); n != len(text) || err != nil || b.String() != want {
			t.Errorf("%q is shown as %q, want %q; %d, %v", text, b.String(), want, n, err)
		}
	}
}
