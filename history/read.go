package history

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"pbxguard/adapters/asterisk"
	"pbxguard/adapters/freeswitch"
	"pbxguard/guard"
	"pbxguard/tabular"
)

// History is what files tell: calls, or the events of a recorded stream.
type History struct {
	Calls  []Call
	Events []guard.Event // of recorded streams, in order
	Files  int
	Bytes  int64
	Twice  int      // records that another file had told already, and that are left out
	Notes  []string // about how files were read, for people
	Faults tabular.Faults

	seed   maphash.Seed
	told   map[uint64]bool // records of the files before
	hashed int             // of Calls, that are in told
}

// Read reads files and, in folders, every file whose name ends as those of call
// records do. Which form a file has is seen from its beginning.
func Read(paths []string, src Source) (*History, error) {
	h := &History{seed: maphash.MakeSeed(), told: map[uint64]bool{}}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read the history: %w", err)
		}
		if !info.IsDir() {
			if err := h.file(path, src); err != nil {
				return nil, err
			}
			continue
		}
		err = filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || !recordName(path) {
				return err
			}
			err = h.file(path, src)
			if errors.Is(err, ErrForm) {
				h.Faults.Add(&tabular.Error{File: path, Line: 1, Reason: ErrForm.Error()})
				return nil
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("cannot read the history: %w", err)
		}
	}
	transfers(h.Calls, src.Internal)
	return h, nil
}

// recordName says whether a file in a folder looks like call records, rotated
// ones among them: Master.csv.1, Master.csv.2.gz, Master.csv.2026-11-22-12-00-00.
var recordName = regexp.MustCompile(`\.(csv|tsv|xml|json|cdr)([.-][0-9-]+)?(\.gz)?$`).MatchString

// file reads one file.
func (h *History) file(path string, src Source) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cannot read the history: %w", err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<16)
	head, err := in.Peek(4096)
	if err != nil && err != io.EOF {
		return fmt.Errorf("cannot read %s: %w", path, err)
	}
	before := h.Bytes
	if info, err := f.Stat(); err == nil {
		src.Size = info.Size()
		h.Bytes += src.Size
	}
	if src.Progress != nil {
		tell := src.Progress
		src.Progress = func(n int64) { tell(before + n) }
		tell(before)
	}
	name := filepath.Base(path)
	if bytes.HasPrefix(head, []byte("\x1f\x8b")) {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", path, err)
		}
		src.Size, src.Progress = 0, nil // which count packed bytes
		in = bufio.NewReaderSize(unpacked, 1<<16)
		if head, err = in.Peek(4096); err != nil && err != io.EOF {
			return fmt.Errorf("cannot read %s: %w", path, err)
		}
	}
	known := len(h.Calls)
	err = h.text(name, head, in, src)
	h.once(known)
	return err
}

// text reads a file whose beginning is head.
func (h *History) text(name string, head []byte, in *bufio.Reader, src Source) error {
	h.Files++
	switch form(head) {
	case formAMI:
		return h.stream(name, in, src, asterisk.Replay)
	case formESL:
		return h.stream(name, in, src, freeswitch.Replay)
	case formDocument:
		return h.document(name, in, src)
	case formLines:
		return h.lines(name, in, src)
	case formWide:
		return fmt.Errorf("%s is UTF-16, as spreadsheets save \"Unicode text\": save it as CSV in UTF-8", name)
	case formInsert:
		return h.rows(name, &inserts{in: in}, src)
	}
	return h.rows(name, in, src)
}

// once leaves out the calls from an index on that files before have told:
// FreeSWITCH and Asterisk write a call to Master.csv and to a file of its
// account, and rotated files are at times copies.
func (h *History) once(from int) {
	for ; h.hashed < from; h.hashed++ { // in one file a record that comes twice is two
		h.told[h.Calls[h.hashed].key(h.seed)] = true
	}
	if from == 0 {
		return
	}
	kept := h.Calls[:from]
	for i := from; i < len(h.Calls); i++ {
		if c := &h.Calls[i]; c.ID != "" && h.told[c.key(h.seed)] {
			h.Twice++
		} else {
			kept = append(kept, *c)
		}
	}
	clear(h.Calls[len(kept):])
	h.Calls = kept
}

// rows reads a file with a record a row.
func (h *History) rows(name string, in io.Reader, src Source) error {
	calls, faults, err := readRows(name, in, src, func(note string) { h.Notes = append(h.Notes, name+": "+note) })
	if h.Calls == nil {
		h.Calls = calls // a million of them are half a gigabyte: nobody copies that
	} else {
		h.Calls = append(h.Calls, calls...)
	}
	for _, e := range faults.Kept {
		h.Faults.Add(e)
	}
	h.Faults.Total += faults.Total - len(faults.Kept)
	return err
}

type formOf uint8

const (
	formRows formOf = iota
	formDocument
	formLines // a JSON document a line
	formAMI
	formESL
	formInsert // SQL
	formWide   // UTF-16
)

func form(head []byte) formOf {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(text, []byte("Asterisk Call Manager/")), bytes.HasPrefix(text, []byte("Event: ")), bytes.HasPrefix(text, []byte("Response: ")):
		return formAMI
	case bytes.HasPrefix(text, []byte("Content-Type: ")), bytes.HasPrefix(text, []byte("Content-Length: ")):
		return formESL
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return formWide
	case bytes.HasPrefix(text, []byte("INSERT INTO ")):
		return formInsert
	case bytes.HasPrefix(text, []byte("<")):
		return formDocument
	case bytes.HasPrefix(text, []byte("{")):
		line, _, more := bytes.Cut(text, []byte("\n"))
		if more && bytes.HasSuffix(bytes.TrimSpace(line), []byte("}")) {
			return formLines
		}
		return formDocument
	}
	return formRows
}

// stream reads a recorded stream of a PBX's events.
func (h *History) stream(name string, in io.Reader, src Source, replay func(io.Reader, string, time.Time, func(guard.Event)) error) error {
	from := len(h.Events)
	err := replay(in, src.PBX, time.Time{}, func(ev guard.Event) { h.Events = append(h.Events, ev) })
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	// What comes before the first word on the time happened shortly before it.
	told := slices.IndexFunc(h.Events[from:], func(ev guard.Event) bool { return !ev.At.IsZero() })
	if told < 0 {
		h.Notes = append(h.Notes, name+": it tells no times; all in it is played as if it happened at once")
		return nil
	}
	for i := range told {
		h.Events[from+i].At = h.Events[from+told].At
	}
	return nil
}

// document reads a file with one record.
func (h *History) document(name string, in io.Reader, src Source) error {
	c, ok, err := ReadDocument(name, in, src)
	switch {
	case err != nil && !h.Faults.Add(err):
		return err
	case ok:
		h.Calls = append(h.Calls, c)
	}
	return nil
}

// lines reads a file with a record a line.
func (h *History) lines(name string, in io.Reader, src Source) error {
	lines := bufio.NewReaderSize(in, 1<<16)
	for n := 1; ; n++ {
		line, err := readLine(lines)
		if len(bytes.TrimSpace(line)) > 0 {
			c, ok, err := ReadDocument(name, bytes.NewReader(line), src)
			if e := new(tabular.Error); errors.As(err, &e) {
				e.File, e.Line = name, n
				h.Faults.Add(e)
			} else if ok {
				c.Line = n
				h.Calls = append(h.Calls, c)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", name, err)
		}
	}
}

// readLine reads a line; of one that is longer than a document only so much.
func readLine(in *bufio.Reader) (line []byte, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line) <= maxDocument {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}
