package player

import "errors"

// shelf is a library in memory. It visits neutral entities, too, which a store may omit.
type shelf struct {
	songs, artists, works []Standing // id is position + 1
	passages              [][]int64  // songs of each
	artistsOf             [][]share
	worksOf               [][]int64
	flavors               []Flavor
	references            []Flavor
	asked                 int // second of the day that References was asked for
	err                   error
}

type share struct {
	artist int64
	weight float64
}

var errShelf = errors.New("the shelf fell down")

func each(list []Standing, visit func(int64, Standing)) {
	for i, s := range list {
		visit(int64(i)+1, s)
	}
}

func (s *shelf) Songs(_ Ticks, visit func(int64, Standing)) error {
	each(s.songs, visit)
	return s.err
}

func (s *shelf) Artists(_ Ticks, visit func(int64, Standing)) error {
	each(s.artists, visit)
	return nil
}

func (s *shelf) Works(_ Ticks, visit func(int64, Standing)) error {
	each(s.works, visit)
	return nil
}

func (s *shelf) PassageSongs(visit func(passage, song int64)) error {
	links(s.passages, visit)
	return nil
}

func (s *shelf) SongWorks(visit func(song, work int64)) error {
	links(s.worksOf, visit)
	return nil
}

func links(list [][]int64, visit func(from, to int64)) {
	for i, ids := range list {
		for _, id := range ids {
			visit(int64(i)+1, id)
		}
	}
}

func (s *shelf) SongArtists(visit func(song, artist int64, weight float64)) error {
	for i, shares := range s.artistsOf {
		for _, a := range shares {
			visit(int64(i)+1, a.artist, a.weight)
		}
	}
	return nil
}

func (s *shelf) Flavors(visit func(int64, []byte) error) error {
	var packed []byte
	for i := range s.flavors {
		packed = s.flavors[i].Pack(packed[:0])
		if err := visit(int64(i)+1, packed); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) Passage(id int64) (Passage, error) {
	if id < 1 || id > int64(len(s.passages)) {
		return Passage{}, fail(NotFound, "shelf", nil)
	}
	return Passage{ID: id, Title: "Rubato", End: Minute}, nil
}

func (s *shelf) References(second int, visit func(*Flavor)) error {
	s.asked = second
	for _, f := range s.references {
		visit(&f)
	}
	return s.err
}

func (s *shelf) FlavorOf(id int64, into *Flavor) error {
	if id < 1 || id > int64(len(s.flavors)) {
		return fail(NotFound, "shelf", nil)
	}
	*into = s.flavors[id-1]
	return nil
}

func (s *shelf) RecordPlayed(int64, Ticks) (int, error) { return 3, s.err }

// memoryLog is a log in memory.
type memoryLog struct {
	pending, durable []string
	err              error
	rollbacks        int
}

func (l *memoryLog) AppendMessage(m Message) error { return l.write("message " + m.Username) }
func (l *memoryLog) CountUser(username string) error {
	return l.write("user " + username)
}

func (l *memoryLog) write(what string) error {
	if l.err == nil {
		l.pending = append(l.pending, what)
	}
	return l.err
}

func (l *memoryLog) Commit() error {
	if l.err == nil {
		l.durable = append(l.durable, l.pending...)
	}
	l.pending = nil
	return l.err
}

func (l *memoryLog) Rollback() error {
	l.rollbacks++
	l.pending = nil
	return nil
}

// flavorOf sets the first element of the first binary categories.
func flavorOf(first ...float64) Flavor {
	var f Flavor
	for c, v := range first {
		f.Present |= 1 << c
		f.Values[Categories[c].First], f.Values[Categories[c].First+1] = v, 1-v
	}
	return f
}

func (l *memoryLog) AppendPlay(int64, Ticks, Ticks) error { return nil }
func (l *memoryLog) PutSetting(string, string) error      { return nil }
