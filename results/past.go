package results

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// Past is what can still be read of a run. Load refuses results that are not whole; Read shows
// what there is and names what is missing.
type Past struct {
	Run     *Run
	Details Details
	Lacks   []string // what is missing, in sentences that may follow a "; "
	Later   bool     // of a later schema: Run has names and times, and no figures
	Damaged bool     // some of it is not as rubato writes it
}

// mostRaw bounds results.jsonl for readers that answer many people.
const mostRaw = 512 << 20

// Read reads a run's folder as far as it can be read. The error says that nothing can. Call
// Summarize next.
func Read(folder fs.FS) (Past, error) {
	raw, rawErr := readRaw(folder)
	data, sumErr := readSummary(folder)
	var later laterError
	if errors.As(sumErr, &later) || sumErr != nil && errors.As(rawErr, &later) {
		return readLater(folder, data, later), nil
	}
	var kept *Run
	var profiles []Profile
	if sumErr == nil {
		kept, profiles, sumErr = ParseSummary(data)
	}
	p := Past{Details: raw.Details, Damaged: damaged(sumErr) || damaged(rawErr)}
	p.Lacks = append(p.Lacks, lacking(SummaryFile, sumErr, "the figures are computed from "+RawFile)...)
	p.Lacks = append(p.Lacks, lacking(RawFile, rawErr, "")...)
	if raw.first != nil {
		strange := raw.dropStrange()
		p.Lacks, p.Damaged = append(p.Lacks, strange...), p.Damaged || len(strange) > 0
		p.Details = raw.Details
	}
	switch {
	case raw.first == nil && sumErr != nil:
		return p, fmt.Errorf("nothing to show: %s", strings.Join(p.Lacks, "; "))
	case sumErr == nil && raw.first != nil && !kept.Started.Equal(raw.first.Started):
		p.Lacks = append(p.Lacks, fmt.Sprintf("%s is of another run, which began at %s: %s is shown", SummaryFile, kept.Started.UTC().Format(time.RFC3339), RawFile))
		p.Damaged, sumErr = true, fs.ErrNotExist
	}
	if sumErr == nil && !(kept.Incomplete != "" && raw.closed && raw.last.Incomplete == "") {
		p.keep(kept, profiles, raw, rawErr == nil && raw.closed)
		return p, nil
	}
	var err error
	p.Run, err = raw.Run()
	return p, err
}

// keep shows the summary. Rounds that are fewer than it was made from would only make its
// figures worse, so they are not shown beside it.
func (p *Past) keep(kept *Run, profiles []Profile, raw Raw, whole bool) {
	p.Run = kept
	if len(profiles) > 0 {
		p.Details.Profiles = profiles
	}
	if whole {
		return
	}
	if raw.first != nil && !raw.closed {
		p.Lacks = append(p.Lacks, cmp.Or(raw.broken, noClosing))
	}
	if kept.Incomplete == "" {
		p.Details = Details{Profiles: p.Details.Profiles}
		p.Lacks = append(p.Lacks, "the figures are those of "+SummaryFile+"; its rounds, curves and trials are not shown")
	}
}

// damaged reports whether a file is there and cannot be read whole.
func damaged(err error) bool { return err != nil && !errors.Is(err, fs.ErrNotExist) }

// lacking says why a file is not read, or not to its end; nothing if it is.
func lacking(name string, err error, instead string) []string {
	text := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		text = name + " is missing"
	default:
		text = fmt.Sprintf("%s cannot be read whole: %v", name, err)
	}
	if instead != "" {
		text += ", so " + instead
	}
	return []string{text}
}

// open opens a regular file. Others may never end, or never begin.
func open(folder fs.FS, name string) (fs.File, error) {
	if at, err := fs.Stat(folder, name); err == nil && !at.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	return folder.Open(name)
}

// readRaw reads results.jsonl up to what cannot be read.
func readRaw(folder fs.FS) (Raw, error) {
	f, err := open(folder, RawFile)
	if err != nil {
		return Raw{}, err
	}
	defer f.Close()
	if at, err := f.Stat(); err != nil {
		return Raw{}, err
	} else if at.Size() > mostRaw {
		return Raw{}, fmt.Errorf("it has over %d bytes: not the results of one run", mostRaw)
	}
	r, err := ParseRaw(f)
	r.path = RawFile
	if err != nil && r.first != nil {
		err = fmt.Errorf("%w; what stands before is shown", err)
	}
	return r, err
}

// readSummary reads the bytes of results.json. Those of a later schema come with a laterError.
func readSummary(folder fs.FS) ([]byte, error) {
	f, err := open(folder, SummaryFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSummary+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSummary {
		return nil, fmt.Errorf("over %d bytes: not a summary that rubato wrote", maxSummary)
	}
	data = withoutMark(data)
	_, err = schemaOf(data)
	return data, err
}

// dropStrange removes blocks whose cell is not one that rubato writes, and names them.
func (r *Raw) dropStrange() (lacks []string) {
	n := len(r.Blocks)
	r.Blocks = slices.DeleteFunc(r.Blocks, func(b Block) bool {
		c, err := ParseKey(b.Cell)
		return err != nil || c.Key() != b.Cell
	})
	if n -= len(r.Blocks); n > 0 {
		lacks = append(lacks, fmt.Sprintf("%s: %d blocks are of no cell that rubato writes and are left out", RawFile, n))
	}
	return lacks
}

// A laterError is the error for results of a later schema.
type laterError int

func (e laterError) Error() string {
	return fmt.Sprintf("schema %d is later than %d, the last that this rubato reads: use the rubato that wrote it, or a newer one", int(e), Schema)
}

// readLater reads the names and times of a run of a later schema. Its figures may mean
// something else, so they are not read.
func readLater(folder fs.FS, summary []byte, later laterError) Past {
	p := Past{Later: true, Lacks: []string{later.Error() + ". Its figures are not shown"}}
	if len(summary) == 0 {
		summary = firstRun(folder)
	}
	p.Run = namesOf(summary)
	return p
}

// Names reads names and times of the run in a folder, and nothing else: enough for a list of
// runs, of any schema. Lacks says what it sees missing without reading all.
func Names(folder fs.FS) Past {
	data, err := readSummary(folder)
	var later laterError
	if errors.As(err, &later) {
		return readLater(folder, data, later)
	}
	p := Past{}
	if err != nil {
		p.Lacks = lacking(SummaryFile, err, "the run was cut off, or is under way")
		data = firstRun(folder)
	}
	if _, missing := fs.Stat(folder, RawFile); missing != nil {
		p.Lacks = append(p.Lacks, lacking(RawFile, missing, "")...)
	}
	p.Run = namesOf(data)
	if schema, err := schemaOf(data); err == nil {
		p.Run.Schema = schema
	} else if errors.As(err, &later) {
		return readLater(folder, data, later)
	} else {
		p.Lacks = append(p.Lacks, "its first line is not that of a run: nothing can be shown")
	}
	return p
}

// firstRun is the run in the first line of results.jsonl as it stands there; nil: none.
func firstRun(folder fs.FS) []byte {
	f, err := open(folder, RawFile)
	if err != nil {
		return nil
	}
	defer f.Close()
	line, _, _ := readLine(bufio.NewReader(f)) // what is not whole does not decode
	var first struct{ Run json.RawMessage }
	_ = json.Unmarshal(withoutMark(line), &first)
	return first.Run
}

// namesOf decodes one by one the fields that a reader of any schema may hope for. What does
// not decode stays empty.
func namesOf(data []byte) *Run {
	run := &Run{}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(data, &fields)
	for name, into := range map[string]any{"schema": &run.Schema, "started": &run.Started, "seconds": &run.Seconds, "command": &run.Command,
		"effort": &run.Effort, "seed": &run.Seed, "baseline": &run.Baseline, "styles": &run.Styles, "scenarios": &run.Scenarios, "incomplete": &run.Incomplete} {
		_ = json.Unmarshal(fields[name], into)
	}
	if len(run.Styles) == 0 { // older runs do not list them
		var cells []struct{ Style string }
		_ = json.Unmarshal(fields["cells"], &cells)
		for _, c := range cells {
			run.Styles = AddOnce(run.Styles, Arm{Name: c.Style})
		}
	}
	return run
}
