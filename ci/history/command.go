package history

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"rubato/command"
	"rubato/reports"
	"rubato/results"
)

// Exit codes, as in every command.
const (
	exitPass   = 0
	exitUsage  = 2
	exitFailed = 5
)

// Manual is the text of -h.
const Manual = `Usage: rubato baseline save|list|show|trend [flags] [RUN]

Keeps what runs found, a line of JSON each, and says when a ratio changed its level.
RUN is the folder of a run (default out/latest).

  save    append the run to the history
  list    what is kept: machines, settings, runs
  show    the newest kept run of this machine and these settings, beside RUN
  trend   where the ratios of this machine and these settings changed their level

  -dir DIR       the folder of the history (default baselines)
  -commit SHA    show: the run of that commit, or of one that begins so
  -plots DIR     trend: write a plot of each ratio there, as SVG

Runs are compared only if CPU, cores, memory, kernel (6.8), Go, GOMAXPROCS and what else
figures depend on are equal, and effort and baseline are, too. Others are refused; the
message says what differs. Options are part of a cell's name. Runs that ended early are not
saved. Figures of insensitive comparisons are saved, and left out of trends.

Changes are found by E-divisive with a permutation test; a history without a change shows one in
at most 5 % of trends, all ratios together, if runs are independent of each other. That is a
hint to look, and no gate: for today's change measure both revisions in one run
(rubato run -against REV), since machines differ from day to day. The exit code is 0
whatever the trend; 2: nothing to compare, with the reason.

Examples:
  rubato run -controls SCENARIO && rubato baseline save
  rubato baseline trend -plots out/trend
`

// asked is what the command line asks for.
type asked struct {
	dir, commit, plots, run string
	stdout, stderr          io.Writer
}

// Main runs `rubato baseline`; the result is the exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	a := asked{stdout: stdout, stderr: stderr}
	flags := command.Flags("baseline")
	flags.StringVar(&a.dir, "dir", "baselines", "a folder, such as baselines")
	flags.StringVar(&a.commit, "commit", "", "the beginning of a commit, such as 4f3b539")
	flags.StringVar(&a.plots, "plots", "", "a folder, such as out/trend")
	names, err := command.Parse(flags, args)
	if errors.Is(err, flag.ErrHelp) || err == nil && len(names) == 1 && names[0] == "help" {
		fmt.Fprint(stdout, command.Named(Manual))
		return exitPass
	}
	if err == nil {
		err = a.do(flags, names)
	}
	var failed failure
	switch {
	case err == nil:
		return exitPass
	case errors.As(err, &failed):
		fmt.Fprintf(stderr, "%s baseline: %s\n", command.Program(), results.Reason(err))
		return exitFailed
	}
	fmt.Fprintf(stderr, "%s baseline: %s\n", command.Program(), results.Reason(err))
	return exitUsage
}

// A failure is not the user's to correct on the command line.
type failure struct{ error }

func (a asked) do(flags *flag.FlagSet, names []string) error {
	actions := []string{"save", "list", "show", "trend"}
	verbs := map[string]func(asked) error{"save": asked.save, "list": asked.list, "show": asked.show, "trend": asked.trend}
	if len(names) == 0 {
		return fmt.Errorf("want %s, as in: baseline save", strings.Join(actions, ", "))
	}
	a.run = "out/latest"
	switch {
	case verbs[names[0]] == nil:
		return command.Unknown("action", names[0], actions)
	case len(names) > 2:
		return fmt.Errorf("one run, not %d: %s", len(names)-1, strings.Join(names[1:], " "))
	case names[0] == "list" && len(names) > 1:
		return fmt.Errorf("list takes no run: it shows all of -dir %s", a.dir)
	case len(names) == 2:
		a.run = names[1]
	}
	of := map[string]string{"commit": "show", "plots": "trend"}
	var err error
	flags.Visit(func(f *flag.Flag) {
		if f.Value.String() == "" {
			err = fmt.Errorf("-%s has no value: want %s", f.Name, f.Usage)
		} else if verb := of[f.Name]; verb != "" && verb != names[0] {
			err = fmt.Errorf("-%s is for %s", f.Name, verb)
		}
	})
	if err != nil {
		return err
	}
	return verbs[names[0]](a)
}

// entry is that of the run on the command line.
func (a asked) entry() (Entry, error) {
	run, _, err := results.Load(a.run)
	if err != nil {
		return Entry{}, fmt.Errorf("%w\nmake results with `run`, or name their folder", err)
	}
	e, err := EntryOf(run)
	if err != nil {
		return e, fmt.Errorf("%s: %w", a.run, err)
	}
	return e, nil
}

// read is the history; what is damaged is named on stderr.
func (a asked) read() (History, error) {
	h, err := Read(a.dir)
	for _, line := range h.Damaged {
		fmt.Fprintf(a.stderr, "%s baseline: %s\n", command.Program(), line)
	}
	return h, err
}

func (a asked) save() error {
	e, err := a.entry()
	if err != nil {
		return err
	}
	h, err := a.read()
	if err != nil {
		return err
	}
	for _, saved := range h.Entries {
		if saved.Started.Equal(e.Started) && saved.Machine == e.Machine {
			fmt.Fprintf(a.stdout, "%s is in %s already\n", a.run, filepath.Join(a.dir, File))
			return nil
		}
	}
	if err := Append(a.dir, e); err != nil {
		return failure{err}
	}
	fmt.Fprintf(a.stdout, "saved %s in %s: run %d of machine %s with effort %s\n", a.run, filepath.Join(a.dir, File), len(h.comparable(e))+1, e.Machine.ID(), e.Effort)
	if e.Dirty {
		fmt.Fprintln(a.stderr, command.Program()+" baseline: the program was built from changes that are not committed, so this run cannot be repeated")
	}
	return nil
}

func (a asked) list() error {
	h, err := a.read()
	if err != nil {
		return err
	}
	if len(h.Entries) == 0 {
		return fmt.Errorf("%s holds no run: save one with baseline save", a.dir)
	}
	g := reports.Grid{Head: []string{"machine", "CPU", "cores", "Go", "effort", "ratios to", "runs", "first", "last", "commit"}, Text: []int{0, 1, 3, 4, 5, 7, 8, 9}}
	for _, newest := range h.kinds() {
		all := h.comparable(newest)
		g.Add("", newest.Machine.ID(), newest.Machine.CPU, fmt.Sprint(newest.Machine.Cores), newest.Machine.Go, newest.Effort, newest.Baseline,
			fmt.Sprint(len(all)), day(all[0]), day(newest), short(newest))
	}
	_, err = io.WriteString(a.stdout, g.Terminal())
	return err
}

// kinds are the newest entries of each machine and settings.
func (h History) kinds() (all []Entry) {
	for _, e := range h.Entries {
		of := h.comparable(e)
		if newest := of[len(of)-1]; newest.Started.Equal(e.Started) {
			all = append(all, e)
		}
	}
	return all
}

func day(e Entry) string { return e.Started.Format("2006-01-02") }

// short is an entry's commit, marked if the tree had changes.
func short(e Entry) string {
	commit := e.Commit[:min(len(e.Commit), 12)]
	if e.Dirty {
		commit += " with changes"
	}
	return commit
}

// kept is the newest run that RUN may be compared with.
func (a asked) kept(h History, e Entry) (Entry, error) {
	var of []Entry
	for _, saved := range h.comparable(e) {
		if !saved.Started.Equal(e.Started) && strings.HasPrefix(saved.Commit, a.commit) {
			of = append(of, saved)
		}
	}
	if len(of) > 0 {
		return of[len(of)-1], nil
	}
	return Entry{}, fmt.Errorf("%s: %s\nsave one here: measure with the same effort and settings (run), then baseline save -dir %s",
		filepath.Join(a.dir, File), h.refusal(e, a.commit), a.dir)
}

// refusal says why no entry is comparable: the reasons of each kind that there is.
func (h History) refusal(e Entry, commit string) string {
	if len(h.Entries) == 0 {
		return "holds no run" + map[bool]string{true: " that can be read"}[len(h.Damaged) > 0]
	}
	var why []string
	for _, saved := range h.kinds() {
		if reason := e.Comparable(saved); reason != "" {
			why = append(why, fmt.Sprintf("the run of %s on %s is of %s", day(saved), saved.Machine.ID(), reason))
		}
	}
	switch {
	case len(h.comparable(e)) > 0 && commit != "":
		return "no run of commit " + commit + " on this machine with these settings"
	case len(h.comparable(e)) > 0:
		return "holds this run alone"
	}
	return "no run can be compared: " + strings.Join(why, "; ")
}

func (a asked) show() error {
	e, err := a.entry()
	if err != nil {
		return err
	}
	h, err := a.read()
	if err != nil {
		return err
	}
	saved, err := a.kept(h, e)
	if err != nil {
		return err
	}
	now := map[string]Cell{}
	for _, c := range e.Cells {
		now[c.Key] = c
	}
	g := reports.Grid{Title: fmt.Sprintf("%s, %s, commit %s; now: %s", filepath.Join(a.dir, File), day(saved), short(saved), short(e)),
		Head: []string{"cell", "figure", "kept", "now"}, Text: []int{0, 1}}
	for _, c := range saved.Cells {
		for _, m := range results.Metrics {
			if f, is := c.Figures[m.Name]; is {
				own, measured := now[c.Key].Figures[m.Name]
				g.Add("", c.Label, m.Title, figure(f, m, true), figure(own, m, measured))
			}
		}
	}
	_, err = io.WriteString(a.stdout, g.Terminal())
	return err
}

// figure is a figure with its interval, in the unit of budgets.
func figure(e results.Estimate, m results.Metric, known bool) string {
	show := func(v float64) string { return reports.Compact(v / m.Budget.Per) }
	switch {
	case !known:
		return "–"
	case !e.Bounded():
		return show(e.Median) + " " + m.Budget.Unit
	}
	return fmt.Sprintf("%s [%s, %s] %s", show(e.Median), show(e.Lo), show(e.Hi), m.Budget.Unit)
}

func (a asked) trend() error {
	e, err := a.entry()
	if err != nil {
		return err
	}
	h, err := a.read()
	if err != nil {
		return err
	}
	if len(h.comparable(e)) == 0 {
		_, err := a.kept(h, e)
		return err
	}
	all, err := h.Trend(e)
	if err != nil {
		return err
	}
	g := reports.Grid{Head: []string{"cell", "figure", "runs", "last", "changes of level"}, Text: []int{0, 1, 4}, Wrap: 60}
	for _, s := range all {
		g.Add("", s.Label, s.Metric.Title, fmt.Sprint(len(s.Points)), figure(s.Points[len(s.Points)-1].Value, s.Metric, true), s.said())
	}
	if _, err := io.WriteString(a.stdout, g.Terminal()); err != nil {
		return err
	}
	return a.draw(all)
}

// said names the changes of a series.
func (s Series) said() string {
	if len(s.Changes) == 0 {
		return "none"
	}
	var said []string
	levels := s.levels()
	for i, c := range s.Changes {
		at := s.Points[c.At]
		said = append(said, fmt.Sprintf("%s → %s from %s, commit %.12s (p = %s)", reports.Compact(levels[i]), reports.Compact(levels[i+1]),
			at.At.Format("2006-01-02"), at.Commit, reports.Compact(c.P)))
	}
	return strings.Join(said, "; ")
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// draw writes a plot of each series.
func (a asked) draw(all []Series) error {
	if a.plots == "" {
		return nil
	}
	if err := os.MkdirAll(a.plots, 0o755); err != nil {
		return err
	}
	for i, s := range all {
		svg, err := s.plot()
		if err != nil {
			return failure{err}
		}
		name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(s.Label+"-"+s.Metric.Name), "-"), "-")
		if err := results.WriteFile(filepath.Join(a.plots, fmt.Sprintf("%03d-%.80s.svg", i+1, name)), svg); err != nil {
			return failure{err}
		}
	}
	fmt.Fprintf(a.stdout, "%d plots in %s\n", len(all), a.plots)
	return nil
}
