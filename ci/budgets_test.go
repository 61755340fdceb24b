package ci

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

const oneBudget = "schema: 1\nbaseline: d\nbudgets:\n- name: n\n  scenario: s\n  style: b\n  limits: {ns_op: 5}\n  source: x\n"

func TestParseBudgets(t *testing.T) {
	t.Parallel()
	b, err := ParseBudgets("f", []byte(goodBudgets))
	if err != nil {
		t.Fatal(err)
	}
	if b.Baseline != "direct" || len(b.List) != 2 {
		t.Fatalf("read %+v", b)
	}
	first, second := b.List[0], b.List[1]
	if first.Name != "bus stays near direct" || first.Options["passages"] != "1000" || first.line != 4 ||
		first.Limits[1] != (Limit{Part: inLimits, Quantity: "overhead_us", Value: 10_000, line: 8}) || first.Source != "a test" {
		t.Errorf("first budget %+v", first)
	}
	if len(second.Styles) != 0 || second.Limits[1].Value != 5_000_000 || second.Limits[1].line != 14 {
		t.Errorf("second budget %+v", second)
	}
}

// TestZeroIsALimit: of counts, percentages and differences, not of what is never 0.
func TestZeroIsALimit(t *testing.T) {
	t.Parallel()
	zero := []string{"overhead", "active_cpu", "idle_cpu", "allocs", "bytes", "kept_bytes", "messages", "wire_bytes", "instructions", "calls", "house_calls"}
	for _, q := range quantities {
		b, err := ParseBudgets("f", []byte(strings.Replace(oneBudget, "ns_op: 5", q.field+": 0", 1)))
		if may := slices.Contains(zero, q.field); (err == nil) != may || may && b.List[0].Limits[0] != (Limit{Part: inLimits, Quantity: q.field, line: 7}) {
			t.Errorf("%s: 0 is read as %+v, %v", q.field, b.List, err)
		}
	}
}

// A file that an editor of another system wrote is read like one without its mark and carriage
// returns, with the same lines in its faults.
func TestForeignBudgets(t *testing.T) {
	t.Parallel()
	foreign := func(text string) []byte { return []byte("\ufeff" + strings.ReplaceAll(text, "\n", "\r\n")) }
	if b, err := ParseBudgets("f", foreign(goodBudgets)); err != nil || b.Baseline != "direct" || len(b.List) != 2 || b.List[0].line != 4 || b.List[0].Source != "a test" {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := ParseBudgets("f", foreign("schema: 1\nrequire_proof: true\nbudgets: []\n")); err == nil || !strings.HasPrefix(err.Error(), "f:2: require_proof: is now require_controls") {
		t.Errorf("%v", err)
	}
}

// TestFaults changes one thing in a good file and reads the complaint.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, from, to, want string }{
		{"empty", oneBudget, "", "f:1: empty; it needs `schema: 2` and a list of `budgets`"},
		{"comment only", oneBudget, "# nothing\n", "f:1: empty; it needs `schema: 2` and a list of `budgets`"},
		{"text", oneBudget, "budgets\n", "f:1: must be fields of the form `name: value`, not \"budgets\""},
		{"list", oneBudget, "- a\n", "f:1: must be fields of the form `name: value`, not a list"},
		{"two documents", oneBudget, oneBudget + "---\n" + oneBudget, "f:10: a second document; put all budgets into one list"},
		{"no schema", "schema: 1\n", "", "f:1: schema: is missing"},
		{"later schema", "schema: 1", "schema: 3", "f:1: schema: is 3; this rubato reads schemas 1 and 2"},
		{"unknown root field", "baseline", "basline", "f:2: basline: unknown field; nearest is \"baseline\"; there are baseline, budgets, machines, require_controls, schema"},
		{"renamed field", "baseline: d", "require_proof: true", "f:2: require_proof: is now require_controls"},
		{"budgets missing", oneBudget, "schema: 1\n", "f:1: budgets: is missing"},
		{"budgets empty", oneBudget, "schema: 1\nbudgets: []\n", "f:2: budgets: an empty list gates nothing"},
		{"budgets null", oneBudget, "schema: 1\nbudgets:\n", "f:2: budgets: must be a list, not nothing"},
		{"budget is text", oneBudget, "schema: 1\nbudgets: [x]\n", "f:2: budgets[0]: must be fields of the form `name: value`, not \"x\""},
		{"no name", "- name: n\n  scenario", "- scenario", "f:4: budgets[0].name: is missing"},
		{"no source", "  source: x\n", "", "f:4: budgets[0].source: is missing"},
		{"no limits", "  limits: {ns_op: 5}\n", "", "f:4: budgets[0].limits: is missing"},
		{"limits empty", "{ns_op: 5}", "{}", "f:7: budgets[0].limits: no limit gates nothing"},
		{"limit twice", "{ns_op: 5}", "{ns_op: 5, ns_op: 6}", "f:7: "},
		{"limit zero", "ns_op: 5", "ns_op: 0", "f:7: budgets[0].limits.ns_op: must be a time such as 250µs or 5ms, and over 0"},
		{"limit negative", "ns_op: 5", "ns_op: -5", "f:7: budgets[0].limits.ns_op: must be a time such as 250µs or 5ms: \"-5\" is negative"},
		{"limit text", "ns_op: 5", "ns_op: five", "f:7: budgets[0].limits.ns_op: must be a time such as 250µs or 5ms, not \"five\""},
		{"limit infinite", "ns_op: 5", "ns_op: .inf", "f:7: budgets[0].limits.ns_op: must be a time such as 250µs or 5ms, not \".inf\""},
		{"limit huge", "ns_op: 5", "ns_op: 1e999", "f:7: budgets[0].limits.ns_op: must be a time such as 250µs or 5ms"},
		{"scenario null", "scenario: s", "scenario:", "f:5: budgets[0].scenario: must be a text, not nothing"},
		{"scenario blank", "scenario: s", "scenario: ' '", "f:5: budgets[0].scenario: must be a text, not \" \""},
		{"style list empty", "style: b", "style: []", "f:6: budgets[0].style: an empty list"},
		{"style of fields", "style: b", "style: {a: b}", "f:6: budgets[0].style: must be a text, not fields"},
		{"options of text", "style: b", "options: b", "f:6: budgets[0].options: must be fields of the form `name: value`, not \"b\""},
		{"alias", "style: b", "style: *b", "f:6: budgets[0].style: must be a text, not an anchor, alias or tag (write the value out)"},
		{"anchor", "style: b", "style: &b b", "f:6: budgets[0].style: must be a text, not an anchor, alias or tag (write the value out)"},
		{"same name", "- name: n", "- {name: n, scenario: s, limits: {ns_op: 1}, source: x}\n- name: n", "f:5: budgets[1].name: \"n\" is taken by the budget in line 4"},
		{"ratio without baseline", "baseline: d\nbudgets:\n- name: n\n  scenario: s\n  style: b\n  limits: {ns_op", "budgets:\n- name: n\n  scenario: s\n  style: b\n  limits: {ratio", "f:6: budgets[0].limits.ratio: compares with nothing; name the style in the field `baseline` of the file"},
		{"ratio to itself", "style: b\n  limits: {ns_op", "style: [b, d]\n  limits: {ratio", "f:7: budgets[0].limits.ratio: compares d with itself; take time"},
		{"ratio of all", "style: b\n  limits: {ns_op", "limits: {overhead_us", "f:6: budgets[0].limits.overhead_us: compares every style with d, itself too; name the styles, or `others`"},
		{"not YAML", "{ns_op: 5}", "{ns_op: 5", "f:8: not YAML: "},
		{"tab", "  style: b", "\tstyle: b", "f:6: not YAML: "},
		{"too long", oneBudget, strings.Repeat("#\n", maxBudgetsFile), "f: longer than 64 KiB; is it a budgets file?"},
		{"long line", "source: x", "source: " + strings.Repeat("x", maxLine), "f:8: longer than 500 bytes; break the line"},
		{"deep", oneBudget, "a:\n" + strings.Repeat("[", maxNesting+1), "f:2: 17 brackets are open; budgets nest two deep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(oneBudget, c.from, c.to, 1)
			if text == oneBudget {
				t.Fatal("the case changes nothing")
			}
			_, err := ParseBudgets("f", []byte(text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestAllFaults: one run reports all faults of a file.
func TestAllFaults(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("name: n", "nam: n", "ns_op: 5", "ns_op: -5").Replace(oneBudget)
	_, err := ParseBudgets("f", []byte(text))
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 3 {
		t.Errorf("got %v; want the unknown field, the bad limit and the missing name", err)
	}
	many := oneBudget + strings.Repeat("  x: 1\n", 30)
	if _, err := ParseBudgets("f", []byte(many)); err == nil || strings.Count(err.Error(), "\n") > maxFaults {
		t.Errorf("got %v; want at most %d lines and a count", err, maxFaults+1)
	}
}

func FuzzParseBudgets(f *testing.F) {
	f.Add([]byte(oneBudget))
	f.Add([]byte(goodBudgets))
	f.Add([]byte("schema: 1\nbudgets:\n- &a {<<: *a}\n"))
	f.Add([]byte("? {a: b}\n: - |\n  x\n---\n!!set {}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ParseBudgets("f", data)
		if err != nil {
			var faults Faults
			if !errors.As(err, &faults) || len(faults) == 0 || faults[0].File != "f" || faults[0].Problem == "" {
				t.Fatalf("%T %v is no fault with its file", err, err)
			}
			return
		}
		if len(b.List) == 0 {
			t.Fatal("accepted a file that gates nothing")
		}
		for _, x := range b.List {
			if x.Name == "" || x.Source == "" || len(x.Scenarios) == 0 || len(x.Limits) == 0 || x.line == 0 {
				t.Fatalf("accepted %+v", x)
			}
			for _, l := range x.Limits {
				if q, ok := inPart(l.Part, l.Quantity); !ok || !(l.Value > 0 || l.Value == 0 && !q.over0) || math.IsInf(l.Value, 0) || l.line == 0 {
					t.Fatalf("accepted the limit %+v", l)
				}
			}
		}
	})
}

// TestShippedBudgets: the shipped files are valid, and every budget names its source.
func TestShippedBudgets(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"budgets.yaml", "targets.yaml"} {
		shipped(t, file)
	}
}

func shipped(t *testing.T, file string) {
	t.Helper()
	b, err := ReadBudgets(file, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range b.List {
		if !strings.HasPrefix(x.Source, "ours, ") && !strings.HasPrefix(x.Source, "published, ") {
			t.Errorf("%s, line %d: the source %q begins neither ours nor published", file, x.line, x.Source)
		}
		for _, s := range x.Styles {
			if s != others && !strings.Contains(strings.Join(styleNames, " "), s) {
				t.Errorf("%s, line %d: no style %s", file, x.line, s)
			}
		}
	}
}

// TestManualExample: the example in the help is a valid budgets file.
func TestManualExample(t *testing.T) {
	t.Parallel()
	_, example, _ := strings.Cut(manual, "measures a music player:\n\n")
	example, _, _ = strings.Cut(example, "\n  limits may name:")
	b, err := ParseBudgets("manual", []byte(strings.NewReplacer("\n  ", "\n", "%%", "%").Replace("\n"+example)))
	if err != nil || len(b.List) != 5 || len(b.List[0].Limits) != 3 || b.List[4].Figure == "" {
		t.Errorf("read %+v, %v from\n%s", b, err, example)
	}
}
