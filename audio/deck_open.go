package audio

import "rubato/player"

// openStream is Open as a deck takes it: no stream is no Sound, not one of nothing.
func openStream(cut player.Cut) (Sound, error) {
	s, err := Open(cut)
	if err != nil {
		return nil, err
	}
	return s, nil
}
