// Package audio turns files into sound and sound into an output.
//
// A Stream decodes a cut of a file to 44.1 kHz in two channels, faded; a Deck, which
// is a player.Deck, has some of them decoded ahead and mixes what sounds; an output
// takes the mix: nowhere at real pace, nowhere as fast as it can, or a WAV file.
// Scan finds the music in a folder, and MakeTracks makes some from a seed.
//
// It is not a style and knows none: to a style it is a value behind an interface of
// package player. It has no sound card either; what it measures is whether the sound
// would have been there in time. The shapes of fades and the sums of the mix are
// package player's, because they are part of the work that every style must do.
//
// It is the only importer of decoders: beep for the resampler, and those that beep
// itself stands on (mewkiz/flac, hajimehoshi/go-mp3, jfreymuth/oggvorbis), used
// without beep's wrapping, which keeps two channels of more and reads MP3 and Vorbis
// a sample at a time. None needs cgo. Files are told apart by their content, and
// whatever a file says about sizes is checked before anybody makes room for it.
package audio
