package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Bounds of what follows a block. The largest event seen has 14 KB and 330
// lines; the list of a thousand calls has a megabyte.
const (
	MaxBody  = 16 << 20 // bytes in a body that is read
	MaxLines = 4000     // lines in a body that is taken for a block
)

const (
	longBody  = "a body exceeds 16777216 bytes"
	manyLines = "a body exceeds 4000 lines"
)

// Length is what a block says of the length of its body in bytes, 0 if it has
// none. Where a body ends must be certain, so a second word on it is an error.
func (b *Block) Length() (int, error) {
	v := b.Get("Content-Length")
	if v == nil {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(v), 10, 31)
	if err != nil || b.Count("Content-Length") > 1 {
		return 0, fmt.Errorf("cannot tell where a body ends: its length is given %d times, first as %.40q", b.Count("Content-Length"), v)
	}
	return int(n), nil
}

// Body reads the n bytes that follow a block. They are valid until the next
// read. A body beyond [MaxBody] is skipped, and reported as [Oversize].
func (r *Reader) Body(n int) ([]byte, error) {
	start := r.offset
	if n > MaxBody {
		head, err := r.r.Peek(min(n, excerpt))
		over := &Oversize{What: longBody, Offset: start, Size: int64(n), Start: string(head)}
		if err == nil {
			_, err = r.discard(n)
		}
		if err != nil {
			return nil, r.within(err)
		}
		return nil, over
	}
	if n <= r.r.Size() {
		// Without a copy: what is peeked at stays until the next read.
		body, err := r.r.Peek(n)
		if err != nil {
			return nil, r.within(err)
		}
		_, err = r.discard(n)
		return body[:n:n], err
	}
	body := make([]byte, n)
	m, err := io.ReadFull(r.r, body)
	r.offset += int64(m)
	if err != nil {
		return nil, r.within(err)
	}
	return body, nil
}

func (r *Reader) discard(n int) (int, error) {
	n, err := r.r.Discard(n)
	r.offset += int64(n)
	return n, err
}

// within is an error that ended the stream within a body.
func (r *Reader) within(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Take makes b the block that a body begins with and returns what follows its
// empty line. b looks into the body, so it is valid no longer than that. Lines
// may be of any length: a session description has more than a line of AMI. With
// more than [MaxLines] b is empty and the error is an [Oversize].
func (b *Block) Take(body []byte) (rest []byte, err error) {
	*b = Block{text: body, fields: b.fields[:0], lent: true}
	for at := 0; at < len(body); {
		end := bytes.IndexByte(body[at:], '\n')
		next := at + end + 1
		if end < 0 {
			end, next = len(body)-at, len(body)
		}
		line := body[at : at+end]
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		switch {
		case len(line) == 0 && len(b.fields) > 0:
			return body[next:], nil
		case len(line) == 0:
		case len(b.fields) == MaxLines:
			b.reset()
			return nil, &Oversize{What: manyLines, Size: int64(len(body)), Start: string(body[:min(len(body), excerpt)])}
		default:
			b.index(at, line)
		}
		at = next
	}
	return nil, nil
}

// index notes a line that stands in the text at a place.
func (b *Block) index(at int, line []byte) {
	start, end := uint32(at), uint32(at+len(line))
	f := field{key: start, colon: end, value: end, end: end}
	if colon := bytes.IndexByte(line, ':'); colon < 0 {
		b.bare = true
	} else {
		f.colon = start + uint32(colon)
		f.value = f.colon + 1
		if f.value < end && b.text[f.value] == ' ' {
			// One blank belongs to the syntax; a second one is the value's own.
			f.value++
		}
	}
	b.fields = append(b.fields, f)
}

// Unescape appends v to dst with each %XX made the byte it stands for. What is
// no such thing stays as it is, as FreeSWITCH leaves it.
func Unescape(dst, v []byte) []byte {
	for {
		i := bytes.IndexByte(v, '%')
		if i < 0 {
			return append(dst, v...)
		}
		dst = append(dst, v[:i]...)
		if c, ok := unhex(v[i:]); ok {
			dst, v = append(dst, c), v[i+3:]
		} else {
			dst, v = append(dst, '%'), v[i+1:]
		}
	}
}

// unhex reads the %XX at the beginning of v.
func unhex(v []byte) (byte, bool) {
	if len(v) < 3 {
		return 0, false
	}
	high, ok := digit(v[1])
	low, ok2 := digit(v[2])
	return high<<4 | low, ok && ok2
}

func digit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
