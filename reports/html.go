package reports

import (
	"bytes"
	_ "embed"
	"html/template"
	"strings"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// The page takes nothing from the network and runs no script: its policy says so,
// should anything slip past the escaping.
var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"css":    func() template.CSS { return template.CSS(pageCSS) },
	"first":  func(s string) string { first, _ := lines(s); return first },
	"second": func(s string) string { _, second := lines(s); return second },
	"slug":   slug,
	"plain":  plain,
}).Parse(pageHTML))

func (p *page) html(w *bytes.Buffer) error { return pageTemplate.Execute(w, p) }

// lines parts a value from its second line.
func lines(s string) (first, second string) {
	first, second, _ = strings.Cut(s, secondary)
	return first, second
}

// slug is s as part of a file's name or an anchor: small letters, digits, hyphens.
func slug(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	s = strings.Join(words, "-")
	if s == "" {
		s = "x"
	}
	return s[:min(len(s), 80)]
}

// Inline is the drawing as part of a page: without prolog, as wide as there is room.
// The canvas escapes all text; nothing else in it comes from the run.
func (d drawing) Inline() template.HTML {
	_, body, ok := bytes.Cut(d.svg, []byte("<svg"))
	if !ok {
		return ""
	}
	attributes, rest, _ := bytes.Cut(body, []byte(">"))
	kept := fixedSize.ReplaceAll(attributes, nil)
	return template.HTML("<svg aria-hidden=\"true\"" + string(kept) + ">" + string(rest))
}

func (d drawing) Title() string   { return d.title }
func (d drawing) Caption() string { return d.caption }
func (d drawing) Path() string    { return plotPath(d) }
