package liberationsansitalic

import "codeberg.org/go-fonts/liberation/liberationsansregular"

var TTF = liberationsansregular.TTF
