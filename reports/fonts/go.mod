// The fonts that plots use, in place of the twelve of this module that gonum.org/v1/plot puts into
// each program: Sans regular and bold. The other names are of the regular one. It takes 3.5 MB out
// of bin/rubato; the files are those of github.com/go-fonts/liberation, byte by byte.
module codeberg.org/go-fonts/liberation

go 1.26.0

require github.com/go-fonts/liberation v0.3.3
