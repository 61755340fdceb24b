package scenarios

import (
	"os"
	"path/filepath"

	"rubato/audio"
	"rubato/player"
	"rubato/runner"
)

// crossfadeOutput is nowhere, or a file that stays with the results.
func crossfadeOutput(setup runner.Setup) (audio.Output, error) {
	if setup.Options["wav"] != "on" || setup.Keep == "" {
		return audio.Discard{}, nil
	}
	if err := os.MkdirAll(setup.Keep, 0o755); err != nil {
		return nil, err
	}
	file, err := audio.CreateWAV(filepath.Join(setup.Keep, "crossfade.wav"), audio.Int16)
	if err != nil {
		return nil, err
	}
	return &opening{Output: file, left: player.SampleRate * 60}, nil
}

// opening lets only the first frames through: a run plays for hours.
type opening struct {
	audio.Output
	left int
}

// Write passes on what is left to pass on.
func (o *opening) Write(frames []player.Frame) error {
	n := min(len(frames), o.left)
	o.left -= n
	if n == 0 {
		return nil
	}
	return o.Output.Write(frames[:n])
}
