package history

import (
	"bufio"
	"bytes"
)

// inserts reads SQL as the template "sql" of FreeSWITCH's mod_cdr_csv writes it,
// a statement a line, and puts blanks where something stands around the values:
// so every value stays where it was.
type inserts struct {
	in   *bufio.Reader
	line []byte // what is left of it
}

// Read implements [io.Reader].
func (r *inserts) Read(p []byte) (n int, err error) {
	if len(r.line) == 0 {
		if r.line, err = readLine(r.in); len(r.line) == 0 {
			return 0, err
		}
		blank(r.line)
	}
	n = copy(p, r.line)
	r.line = r.line[n:]
	return n, nil
}

// blank blots out INSERT INTO cdr VALUES ( and );
func blank(line []byte) {
	if !bytes.HasPrefix(line, []byte("INSERT INTO ")) {
		return
	}
	open := bytes.IndexByte(line, '(')
	shut := bytes.LastIndexByte(line, ')')
	if open < 0 || shut < open {
		return
	}
	for i := range line[:open+1] {
		line[i] = ' '
	}
	for i := shut; i < len(line) && line[i] != '\n'; i++ {
		line[i] = ' '
	}
}
