package reports

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/pprof/profile"

	"rubato/results"
)

// Flame graphs: width is CPU time per operation. They are SVG inside the page, without a script:
// each frame is an SVG of its own, so that its text is cut where the frame ends, at any width of
// the page. An arm's own time is drawn by call paths. A difference is drawn by parts, as in the
// table of where the difference goes, and within them from their owners' functions on: further
// out the paths of two styles have hardly a function in common.

const (
	leastFrame = 0.005   // of the time; narrower frames are counted, but not drawn
	mostFrames = 150     // of a graph
	mostFlames = 3 << 19 // bytes of all graphs of a page
	frameRow   = 17      // pixels
	leastText  = 0.012   // of the time; narrower frames have a text for the pointer only
)

// A frame is a function with all that it called.
type frame struct {
	name  string
	part  int        // of parts
	ns    [2]float64 // an operation: the arm's own, the baseline's
	below map[string]*frame
}

// add adds a stack below the frame, its outermost function first.
func (f *frame) add(arm int, ns float64, part int, names ...string) {
	for _, name := range names {
		if f.below == nil {
			f.below = map[string]*frame{}
		}
		if f.below[name] == nil {
			f.below[name] = &frame{name: name, part: part}
		}
		f = f.below[name]
		f.ns[arm] += ns
	}
}

// outwards are the innermost n frames of a stack, the outermost of them first.
func (s sampled) outwards(n int) []string {
	names := slices.Clone(s.frames[:n])
	slices.Reverse(names)
	return names
}

// callPaths is a book's time by call paths.
func (b *book) callPaths() *frame {
	root := &frame{ns: [2]float64{b.cpu}}
	for _, s := range b.stacks {
		root.add(0, s.ns, slices.Index(parts, s.part), s.outwards(len(s.frames))...)
	}
	return root
}

// byParts is the time of both arms by parts, and within them by functions.
func (b balance) byParts() *frame {
	root := &frame{ns: [2]float64{b.own.cpu, b.base.cpu}}
	for arm, book := range []*book{b.own, b.base} {
		for _, s := range book.stacks {
			root.add(arm, s.ns, slices.Index(parts, s.part), append([]string{s.part}, s.outwards(s.owned)...)...)
		}
	}
	return root
}

// widest are the frames below, the widest first.
func (f *frame) widest() []*frame {
	return slices.SortedFunc(maps.Values(f.below), func(a, b *frame) int {
		return cmp.Or(cmp.Compare(b.ns[0], a.ns[0]), cmp.Compare(a.name, b.name))
	})
}

// count is how many frames there are below, and how many of them are at least so wide.
func (f *frame) count(width float64) (all, wide int) {
	for _, k := range f.below {
		a, w := k.count(width)
		all, wide = all+a+1, wide+w
		if k.ns[0] >= width {
			wide++
		}
	}
	return all, wide
}

// A Flame is a flame graph.
type Flame struct {
	Title, Note string
	Open        bool
	SVG         template.HTML
}

// A fire draws frames. paint is the colour of a frame, and what its text begins with.
type fire struct {
	strings.Builder
	total, least float64
	deepest      int
	paint        func(f *frame) (class, text string)
}

// flameOf draws a tree. What is too narrow is counted in the note.
func flameOf(title string, root *frame, paint func(f *frame) (class, text string)) Flame {
	d := fire{total: root.ns[0], least: leastFrame * root.ns[0], paint: paint}
	all, drawn := root.count(d.least)
	for drawn > mostFrames {
		d.least *= 1.1
		_, drawn = root.count(d.least)
	}
	d.below(root, 0, 0)
	height := frameRow * d.deepest
	flame := Flame{Title: title, SVG: template.HTML(fmt.Sprintf(`<svg class="flame" width="100%%" height="%d" role="img" aria-label="%s">%s</svg>`,
		height, attribute(title), d.String()))}
	if drawn < all {
		flame.Note = fmt.Sprintf("%d of %d frames are narrower than %s and not drawn.", all-drawn, all, nanoseconds(d.least))
	}
	return flame
}

// below draws what a frame called, from its left end on.
func (d *fire) below(f *frame, left float64, depth int) {
	for _, k := range f.widest() {
		if k.ns[0] < d.least {
			return
		}
		d.deepest = max(d.deepest, depth+1)
		class, text := d.paint(k)
		fmt.Fprintf(d, `<svg x="%.2f%%" y="%d" width="%.2f%%" height="%d"><title>%s%s: %s, %s</title><rect class="%s" width="100%%" height="100%%"/>`,
			100*left/d.total, depth*frameRow, 100*k.ns[0]/d.total, frameRow-1, attribute(text), attribute(k.name), nanoseconds(k.ns[0]), percent(100*k.ns[0]/d.total), class)
		if k.ns[0] >= leastText*d.total {
			fmt.Fprintf(d, `<text x="3" y="12">%s</text>`, attribute(text+shortName(k.name)))
		}
		d.WriteString("</svg>")
		d.below(k, left, depth+1)
		left += k.ns[0]
	}
}

// attribute is text from a profile, safe in SVG.
func attribute(s string) string { return template.HTMLEscapeString(plain(s)) }

// shortName is a function's name without the folders of its package.
func shortName(function string) string {
	return function[strings.LastIndexByte(function, '/')+1:]
}

// byPart paints a frame in the colour of its part.
func byPart(f *frame) (class, text string) { return fmt.Sprintf("p%d", f.part), "" }

// byDifference paints what takes more, less, or neither beyond noise. The sign says it, too.
func (b balance) byDifference(f *frame) (class, text string) {
	switch d := b.between(f.ns[0], f.ns[1]); {
	case noise(d) != "" || !d.Bounded():
		return "same", ""
	case d.Median > 0:
		return "more", signedTime(d.Median) + " "
	default:
		return "less", signedTime(d.Median) + " "
	}
}

// flameSection has the graphs of a scenario. room is how many bytes are left for graphs; what does
// not fit is left out, and named.
func flameSection(scenario string, gs []group, books map[string]*book, room *int) []section {
	out := section{ID: slug(scenario) + "-flames", Title: scenario + ": flame graphs", Text: []string{
		"Width is CPU time per operation. A difference is drawn by parts, as in the table of where the difference goes, and then by the functions of a part and what they called: + and red takes more than in the baseline, " + minus + " and blue (broken line) less, grey neither beyond noise. The graphs of single arms are by call paths, coloured by parts. The pointer shows a frame's full name and time.",
		"The same with go tool pprof, in time per operation: go tool pprof -http=: -diff_base=profiles/BASELINE-per-op.pb.gz profiles/STYLE-per-op.pb.gz."}}
	left := 0
	keep := func(f Flame) {
		if *room -= len(f.SVG); *room < 0 {
			left++
			return
		}
		out.Flames = append(out.Flames, f)
	}
	for _, g := range gs {
		if g.baseline == nil {
			continue
		}
		for i, c := range g.cells {
			base, own := books[g.baseline.Key()], books[c.Key()]
			if base == nil || own == nil || c == g.baseline {
				continue
			}
			b := balance{cell: c, label: g.labels[i], baseLabel: "baseline", base: base, own: own}
			f := flameOf(fmt.Sprintf("%s. %s: %s of CPU an operation, %s to the baseline", g.title, b.label, nanoseconds(own.cpu), signedTime(own.cpu-base.cpu)), b.byParts(), b.byDifference)
			f.Open = true
			keep(f)
		}
	}
	for _, g := range gs {
		for i, c := range g.cells {
			if own := books[c.Key()]; own != nil {
				keep(flameOf(fmt.Sprintf("%s. %s by call paths: %s of CPU an operation", g.title, g.labels[i], nanoseconds(own.cpu)), own.callPaths(), byPart))
			}
		}
	}
	if left > 0 {
		out.Text = append(out.Text, fmt.Sprintf("Left out, so that the page stays light: %d graphs. The profiles are in the folder of the run.", left))
	}
	if len(out.Flames)+left == 0 {
		return nil
	}
	return []section{out}
}

// perOperation is a profile whose values are nanoseconds of an operation, so that profiles of two
// styles can be compared. The harness's own time is left out, as in the book. What a stack is
// rounded by is carried to the next, so that the sum stays.
func perOperation(prof *profile.Profile, b *book) *profile.Profile {
	out := prof.Copy()
	out.SampleType = []*profile.ValueType{{Type: "cpu_per_operation", Unit: "nanoseconds"}}
	out.DefaultSampleType, out.DurationNanos = "", 0
	out.Sample = slices.DeleteFunc(out.Sample, func(s *profile.Sample) bool { return !atWork(s) })
	sum, written := 0.0, int64(0)
	for i, s := range out.Sample {
		sum += b.stacks[i].ns
		s.Value = []int64{int64(sum+0.5) - written}
		written += s.Value[0]
	}
	out.Sample = slices.DeleteFunc(out.Sample, func(s *profile.Sample) bool { return s.Value[0] == 0 })
	return out.Compact()
}

// perOperationEnding is that of the names of profiles in time per operation.
const perOperationEnding = "-per-op.pb.gz"

// writePerOperation writes these profiles beside those as measured.
func writePerOperation(from, dir string, run *results.Run, details results.Details) error {
	details.Profiles = slices.DeleteFunc(slices.Clone(details.Profiles), func(p results.Profile) bool { return p.Lost != "" })
	books, err := booksOf(from, run, details)
	if err != nil {
		return err
	}
	for _, p := range details.Profiles {
		b := books[p.Cell]
		if p.Kind != "cpu" || b == nil {
			continue
		}
		prof, err := readProfile(from, p.Path)
		if err != nil {
			return err
		}
		name := filepath.Join(dir, path.Dir(filepath.ToSlash(p.Path)), strings.TrimSuffix(path.Base(filepath.ToSlash(p.Path)), "-cpu.pb.gz")+perOperationEnding)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return fmt.Errorf("make the folder of profiles: %w", err)
		}
		if err := writeWith(name, func(w *bytes.Buffer) error { return perOperation(prof, b).Write(w) }); err != nil {
			return err
		}
	}
	return nil
}
