// Package wire reads the blocks of "Key: Value" lines, each ended by an empty
// line, in which Asterisk's AMI and FreeSWITCH's ESL both speak, and the bodies
// that ESL puts behind them.
//
// Everything it reads may have been chosen by somebody hostile: lines, blocks
// and fields are bounded, nothing grows with what is sent, and no byte is taken
// for anything but a byte.
package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Bounds of what is read. An AMI event has 45 lines and 1.5 KB, an ESL event
// some 250 lines and 10 KB, with values well below a kilobyte.
const (
	MaxLine   = 8 << 10  // bytes in a line, its end not counted
	MaxBlock  = 64 << 10 // bytes in a block, line ends not counted
	MaxFields = 1000     // lines in a block
)

// What an [Oversize] exceeds.
const (
	longLine   = "a line exceeds 8192 bytes"
	longBlock  = "a block exceeds 65536 bytes"
	manyFields = "a block exceeds 1000 fields"
)

// excerpt is how much of foreign text an error keeps, in bytes.
const excerpt = 64

// Oversize is the error of a block that exceeds a bound. The block has been
// skipped to its end, so reading can go on behind it.
type Oversize struct {
	What   string // which bound is exceeded
	Offset int64  // where in the stream the block began, in bytes
	Size   int64  // how long it was, in bytes
	Start  string // its first bytes as they came from the network, 64 at most
}

// Error says what was too long and where; foreign bytes are quoted.
func (e *Oversize) Error() string {
	return fmt.Sprintf("%s: skipped %d bytes at byte %d of the stream, beginning %q", e.What, e.Size, e.Offset, e.Start)
}

// Reader reads blocks from a stream. It is not safe for use by two goroutines.
type Reader struct {
	r      *bufio.Reader
	offset int64 // of the next byte to be read
}

// NewReader returns a Reader of r. It reads ahead, so nobody else should read
// from r afterwards.
func NewReader(r io.Reader) *Reader {
	// 64 KB is what the kernel hands over at once when many events wait. With
	// 4 KB an event costs half as much again.
	return &Reader{r: bufio.NewReaderSize(r, 64<<10)}
}

// Line reads one line that stands outside a block, such as AMI's banner, and
// returns it without its end. The bytes are valid until the next read.
func (r *Reader) Line() ([]byte, error) {
	start := r.offset
	line, long, err := r.line()
	switch {
	case err != nil:
		return nil, r.unexpected(err, start)
	case long:
		return nil, &Oversize{What: longLine, Offset: start, Size: r.offset - start, Start: string(line)}
	}
	line, _ = chomp(line)
	return line, nil
}

// Read fills b with the next block; empty lines before it are skipped. At the
// end of the stream it returns [io.EOF] between blocks and
// [io.ErrUnexpectedEOF] within one. After an [Oversize] error b is empty, and
// the next Read reads the block behind the one that was skipped.
func (r *Reader) Read(b *Block) error {
	b.reset()
	start := r.offset
	for {
		line, long, err := r.line()
		if err != nil {
			b.reset()
			return r.unexpected(err, start)
		}
		if long {
			return r.skip(b, longLine, start, line)
		}
		line, crlf := chomp(line)
		switch {
		case len(line) == 0 && len(b.fields) == 0:
			start = r.offset
			continue
		case len(line) == 0:
			b.ended(crlf)
			return nil
		case len(b.text)+len(line) > MaxBlock:
			return r.skip(b, longBlock, start, line)
		case len(b.fields) == MaxFields:
			return r.skip(b, manyFields, start, line)
		}
		b.ended(crlf)
		b.add(line)
	}
}

// skip reads on to the end of a block that began at start and of which line
// is the newest line.
func (r *Reader) skip(b *Block, what string, start int64, line []byte) error {
	if b.Len() > 0 {
		line = b.text[:b.fields[0].end]
	}
	over := &Oversize{What: what, Offset: start, Start: string(line[:min(len(line), excerpt)])}
	b.reset()
	for {
		line, long, err := r.line()
		if err != nil {
			return r.unexpected(err, start)
		}
		if line, _ = chomp(line); len(line) == 0 && !long {
			over.Size = r.offset - start
			return over
		}
	}
}

// line reads up to and including the next line feed. Of a long line it returns
// only the beginning.
func (r *Reader) line() (line []byte, long bool, err error) {
	line, err = r.r.ReadSlice('\n')
	r.offset += int64(len(line))
	if err == nil && len(line) <= MaxLine+len("\r\n") {
		return line, false, nil
	}
	// Reading on overwrites the buffer, so the beginning is kept apart.
	line = bytes.Clone(line[:min(len(line), excerpt)])
	for errors.Is(err, bufio.ErrBufferFull) {
		var more []byte
		more, err = r.r.ReadSlice('\n')
		r.offset += int64(len(more))
	}
	return line, true, err
}

// unexpected tells the end of the stream at a block's border from that within
// a block which began at start.
func (r *Reader) unexpected(err error, start int64) error {
	if errors.Is(err, io.EOF) && r.offset > start {
		return io.ErrUnexpectedEOF
	}
	return err
}

// chomp cuts the line end off and says whether it was CR LF.
func chomp(line []byte) (rest []byte, crlf bool) {
	n := len(line)
	if n > 0 && line[n-1] == '\n' {
		n--
	}
	if n > 0 && line[n-1] == '\r' {
		return line[:n-1], true
	}
	return line[:n], false
}
