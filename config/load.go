package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"unicode/utf8"
)

// maxSize bounds the file: five thousand lines are not written by hand.
const maxSize = 256 << 10

// host is what a configuration takes from outside its file.
type host struct {
	secret  func(path string) ([]byte, error) // nil: secrets stay unread
	public  func(path string) ([]byte, error)
	country string // where the host seems to stand; "" if that cannot be told
}

// Load reads the configuration file at path with the secrets it refers to. It
// refuses files that somebody else than root or ourselves could have written,
// and secrets that everybody can read. The error joins one [Error] for each
// fault.
func Load(path string) (*Config, error) { return loadAs(path, path) }

// loadAs reads the file at path, which is or will be the one called name.
func loadAs(path, name string) (*Config, error) {
	data, info, err := readTrusted(path, maxSize)
	if err != nil {
		return nil, join(name, []*Error{{File: name, Reason: err.Error()}})
	}
	return parse(name, data, host{
		secret:  readSecret,
		public:  readPublic,
		country: hostCountry("/etc", "/usr/share/zoneinfo"),
	}, everyoneReads(info))
}

// Parse reads a configuration from data; name is the file's name in errors, and
// relative paths are relative to it. read gets the contents of the files that
// it refers to; with a nil read they stay unread.
func Parse(name string, data []byte, read func(string) ([]byte, error)) (*Config, error) {
	return parse(name, data, host{secret: read, public: read}, false)
}

// parse does what Load and Parse have in common; open says that everybody may
// read the file.
func parse(name string, data []byte, h host, open bool) (*Config, error) {
	if err := plainText(name, data); err != nil {
		return nil, join(name, []*Error{err})
	}
	root, errs := parseTree(name, data)
	c := Default()
	c.home = h.country
	d := &decoder{file: name, host: h, open: open, config: c, errs: errs}
	d.table(root, reflect.ValueOf(c).Elem(), "")
	d.lastWord(data)
	if len(d.errs) > 0 {
		return nil, join(name, d.errs)
	}
	return c, nil
}

// lastWord adds what go-toml alone objects to. It is not asked about a file that
// has too many faults to tell: its time grows with the square of a table's keys.
func (d *decoder) lastWord(data []byte) {
	if len(d.errs) >= maxErrors {
		return
	}
	e := lastWord(d.file, data)
	if e != nil && !slices.ContainsFunc(d.errs, func(o *Error) bool { return o.Line == e.Line }) {
		d.errs = append(d.errs, e)
	}
}

// plainText refuses what no TOML reader takes, in words that say what happened
// to the file.
func plainText(name string, data []byte) *Error {
	fault := func(at int, reason string) *Error {
		return &Error{File: name, Line: 1 + bytes.Count(data[:at], []byte("\n")), Reason: reason}
	}
	switch {
	case len(data) > maxSize:
		return &Error{File: name, Reason: fmt.Sprintf("is larger than %d bytes", maxSize)}
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return fault(0, "begins with a byte order mark; save it as UTF-8 without one")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return fault(0, "is UTF-16; save it as UTF-8")
	}
	if at := bytes.IndexByte(data, 0); at >= 0 {
		return fault(at, "has a NUL byte; this is not a text file")
	}
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return fault(at, fmt.Sprintf("has the byte 0x%02x, which is not UTF-8", data[at]))
		}
		at += size
	}
	return nil
}

// why is the reason of a failed file operation without the path, which the
// message has already.
func why(err error) error {
	var fault *fs.PathError
	if errors.As(err, &fault) {
		return fault.Err
	}
	return err
}
