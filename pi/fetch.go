package pi

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// A binary is what is carried to the device. Its name has its checksum, so that the device keeps
// it, and knows another.
type binary struct {
	path   string
	name   string
	sum    string // SHA-256
	size   int64
	data   []byte
	packed []byte // with gzip: a third of the size; the same each time, so that a copy can go on
}

const binaryPrefix = "rubato-"

// boards are the targets of pi/build.sh for what uname says.
func board(system string) (string, error) {
	os, arch, _ := strings.Cut(strings.TrimSpace(system), " ")
	switch {
	case os != "Linux":
	case arch == "aarch64" || arch == "arm64":
		return "arm64", nil
	case strings.HasPrefix(arch, "armv7") || strings.HasPrefix(arch, "armv8"):
		return "armv7", nil
	case strings.HasPrefix(arch, "armv6"):
		return "armv6", nil
	case arch == "x86_64":
		return "amd64", nil
	}
	return "", usageError{deviceError(fmt.Sprintf("is %q; there are binaries for Linux on aarch64, armv7l, armv6l and x86_64. Build rubato on it: go build .", system))}
}

// find builds the binary for a system in a checkout, or takes one that was built.
func find(system string, stderr io.Writer) (*binary, error) {
	name, err := board(system)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if name == runtime.GOARCH && runtime.GOOS == "linux" {
		return load(self)
	}
	file := "rubato-linux-" + name
	if _, err := os.Stat("pi/build.sh"); err == nil && name != "amd64" { // the cache of go makes it short if nothing changed
		c := exec.Command("make", "-s", "pi", "BOARDS="+name)
		c.Stdout, c.Stderr = stderr, stderr
		if err := c.Run(); err != nil {
			return nil, fmt.Errorf("building the binary: make pi BOARDS=%s: %w", name, err)
		}
		return load(filepath.Join("bin/pi", file))
	}
	for _, dir := range []string{"bin/pi", filepath.Join(filepath.Dir(self), "pi"), filepath.Dir(self)} {
		if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
			return load(filepath.Join(dir, file))
		}
	}
	return nil, usageError{fmt.Errorf("no %s here: build it in the folder of rubato's source (make pi BOARDS=%s), or name one with -binary", file, name)}
}

// load reads a binary.
func load(path string) (*binary, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError{err}
	}
	sum := sha256.Sum256(data)
	text := hex.EncodeToString(sum[:])
	return &binary{path: path, name: binaryPrefix + text[:16], sum: text, size: int64(len(data)), data: data}, nil
}

// pack takes a second or two, so it waits until a device lacks the binary.
func (b *binary) pack() error {
	if b.packed != nil {
		return nil
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(b.data); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	b.packed, b.data = packed.Bytes(), nil
	return nil
}

// A parcel is a file that grows while the results come. It is kept over a broken connection.
type parcel struct {
	file *os.File
	into string
}

// newParcel is for results that will stand in a new folder. If it exists, it was fetched before
// and the connection broke before the device could forget it: the second copy gets a number.
func newParcel(folder string) (*parcel, error) {
	into := folder
	for i := 2; ; i++ {
		if _, err := os.Lstat(into); errors.Is(err, fs.ErrNotExist) {
			break
		}
		into = fmt.Sprintf("%s-%d", folder, i)
	}
	if err := os.MkdirAll(filepath.Dir(into), 0o755); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(into), ".pi-*.tar")
	return &parcel{file, into}, err
}

func (p *parcel) drop() { _, _ = p.file.Close(), os.Remove(p.file.Name()) }

// size is how many bytes have come.
func (p *parcel) size() int64 {
	at, _ := p.file.Seek(0, io.SeekEnd)
	return at
}

// unpack compares the checksum, and makes the folder: all of it, or none.
func (p *parcel) unpack(sum string) error {
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	own := sha256.New()
	if _, err := io.Copy(own, p.file); err != nil {
		return err
	}
	if got := hex.EncodeToString(own.Sum(nil)); got != sum {
		_ = p.file.Truncate(0) // the next try begins anew
		return errChecksum
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	part := p.file.Name() + ".d"
	err := extract(p.file, part)
	if err == nil {
		err = os.Rename(part, p.into)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("unpacking the results: %w", err), os.RemoveAll(part))
	}
	return syncFolder(filepath.Dir(p.into))
}

var errChecksum = errors.New("the results did not arrive as they were sent")

// extract writes regular files below a new folder, and makes each durable. Names that lead out
// of it are an error.
func extract(from io.Reader, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for archive := tar.NewReader(from); ; {
		header, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			return fmt.Errorf("%q is no file", header.Name)
		}
		if err := root.MkdirAll(filepath.Dir(header.Name), 0o755); err != nil {
			return err
		}
		file, err := root.OpenFile(header.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, archive)
		if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
			return err
		}
	}
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
