package callgrind

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// WithNames copies a Go program to another file, in which valgrind finds the names of functions. A
// program that was built with -ldflags=-s has them for its own tracebacks only, and callgrind would
// take each jump within a function for a call. The code of the two is the same.
func WithNames(program, to string) error {
	data, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	if data, err = named(data); err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	return os.WriteFile(to, data, 0o755)
}

// The parts of an ELF file (System V ABI, 64 bits) that a table of symbols needs. debug/elf reads
// them, too, but adds debuggers' formats of half a megabyte to the program.
type (
	elfHeader struct {
		Ident                      [16]byte
		Type, Machine              uint16
		Version                    uint32
		Entry, Programs, Sections  uint64
		Flags                      uint32
		Size, ProgramSize, NProgs  uint16
		SectionSize, Count, Titles uint16
	}
	elfSection struct {
		Name, Type           uint32
		Flags, Addr          uint64
		Off, Size            uint64
		Link, Info           uint32
		Alignment, EntrySize uint64
	}
	elfSymbol struct {
		Name        uint32
		Info, Other uint8
		Section     uint16
		Value, Size uint64
	}
)

const (
	elf64        = "\x7fELF\x02\x01" // of 64 bits, little-endian
	elfSymtab    = 2
	elfStrtab    = 3
	elfFunction  = 1<<4 | 2 // global
	elfSymbolLen = 24
)

// errBroken is the error for a file that says it is a program and is none.
var errBroken = errors.New("its table of sections is broken")

// named adds a table of symbols, if the program has none.
func named(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte(elf64)) {
		return nil, errors.New("it is no program of 64 bits for Linux, of which names are known")
	}
	var header elfHeader
	if _, err := binary.Decode(data, binary.LittleEndian, &header); err != nil {
		return nil, err
	}
	sections := make([]elfSection, header.Count)
	if header.Sections > uint64(len(data)) || int(header.Titles) >= len(sections) {
		return nil, errBroken
	}
	if _, err := binary.Decode(data[header.Sections:], binary.LittleEndian, sections); err != nil {
		return nil, errBroken
	}
	titles, err := sections[header.Titles].content(data)
	if err != nil {
		return nil, err
	}
	var functions []function
	text := 0
	for i, s := range sections {
		switch s.title(titles) {
		case ".symtab":
			return data, nil
		case ".text":
			text = i
		}
	}
	for _, s := range sections {
		if s.title(titles) != ".gopclntab" {
			continue
		}
		lines, err := s.content(data)
		if err != nil {
			return nil, err
		}
		if functions, err = functionsOf(lines, sections[text].Addr); err != nil {
			return nil, err
		}
	}
	if len(functions) == 0 {
		return nil, errors.New("it is no Go program, or its names cannot be read")
	}
	return withTable(data, header, sections, titles, functions, text)
}

// A function is its name and where it lies, from its first byte to before its end.
type function struct {
	name       []byte
	entry, end uint64
}

// lineTable is the beginning of Go's table of functions and lines, since Go 1.20 (runtime/symtab.go).
type lineTable struct {
	Magic                    uint32
	_                        [2]byte
	Quantum, Pointer         uint8
	Functions, Files         uint64
	Text                     uint64 // 0 in later versions
	Names, Units, Paths, PCs uint64 // offsets
	Entries                  uint64 // offset of the functions, which are in order
}

const lineMagic = 0xfffffff1

// functionsOf reads them from the table. debug/gosym reads it, too, for all versions of Go.
func functionsOf(lines []byte, text uint64) ([]function, error) {
	var table lineTable
	if _, err := binary.Decode(lines, binary.LittleEndian, &table); err != nil || table.Magic != lineMagic || table.Pointer != 8 {
		return nil, errors.New("the names of its functions are written as this rubato does not know: build both with one version of Go, or without -ldflags=-s")
	}
	size := uint64(len(lines))
	if table.Entries > size || table.Names > size || table.Functions > (size-table.Entries)/8 {
		return nil, errBroken
	}
	entries := lines[table.Entries:] // pairs of a function's offset in the text and that of its description here; at the end, the end of the text
	at := func(i uint64) uint32 {
		if 4*i+4 > uint64(len(entries)) {
			return 0
		}
		return binary.LittleEndian.Uint32(entries[4*i:])
	}
	all := make([]function, 0, table.Functions)
	for i := range table.Functions {
		described := uint64(at(2*i+1)) + 4 // after its offset in the text comes that of its name
		if described+4 > uint64(len(entries)) {
			return nil, errBroken
		}
		name := table.Names + uint64(binary.LittleEndian.Uint32(entries[described:]))
		entry, end := uint64(at(2*i)), uint64(at(2*i+2))
		if name >= size || end < entry {
			return nil, errBroken
		}
		of, _, _ := bytes.Cut(lines[name:], []byte{0})
		all = append(all, function{of, text + entry, text + end})
	}
	return all, nil
}

// content is what the file has of a section.
func (s elfSection) content(data []byte) ([]byte, error) {
	if s.Off > uint64(len(data)) || s.Size > uint64(len(data))-s.Off {
		return nil, errBroken
	}
	return data[s.Off : s.Off+s.Size], nil
}

func (s elfSection) title(titles []byte) string {
	if int64(s.Name) >= int64(len(titles)) {
		return ""
	}
	name, _, _ := bytes.Cut(titles[s.Name:], []byte{0})
	return string(name)
}

// withTable appends the functions as symbols, and a table of sections that has these, too.
func withTable(data []byte, header elfHeader, sections []elfSection, titles []byte, functions []function, text int) ([]byte, error) {
	names, symbols := []byte{0}, make([]elfSymbol, 1, len(functions)+1)
	for _, f := range functions {
		symbols = append(symbols, elfSymbol{Name: uint32(len(names)), Info: elfFunction, Section: uint16(text), Value: f.entry, Size: f.end - f.entry})
		names = append(append(names, f.name...), 0)
	}
	var err error
	out := bytes.Clone(data)
	place := func(content any) (off, size uint64) {
		out = append(out, make([]byte, -len(out)&7)...)
		off = uint64(len(out))
		var failed error
		out, failed = binary.Append(out, binary.LittleEndian, content)
		err = errors.Join(err, failed)
		return off, uint64(len(out)) - off
	}
	table := elfSection{Name: uint32(len(titles)), Type: elfSymtab, Link: uint32(len(sections) + 1), Info: 1, Alignment: 8, EntrySize: elfSymbolLen}
	strings := elfSection{Name: uint32(len(titles) + len(".symtab\x00")), Type: elfStrtab, Alignment: 1}
	own := &sections[header.Titles]
	own.Off, own.Size = place(append(bytes.Clone(titles), ".symtab\x00.strtab\x00"...))
	table.Off, table.Size = place(symbols)
	strings.Off, strings.Size = place(names)
	header.Sections, _ = place(append(sections, table, strings))
	header.Count += 2
	_, failed := binary.Encode(out, binary.LittleEndian, header)
	return out, errors.Join(err, failed)
}
