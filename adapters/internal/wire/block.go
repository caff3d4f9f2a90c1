package wire

import "iter"

// Block is one block of fields in the order in which they came. What its
// methods return are views of its own memory, valid until it is read into again.
type Block struct {
	text   []byte // the lines, one behind the other
	fields []field
	lf     bool // a line ended in LF alone
	crlf   bool // a line ended in CR LF
	bare   bool // a line had no colon
	lent   bool // text is somebody else's memory
}

// field says where in the text a line's key begins, its key ends, its value
// begins and ends.
type field struct{ key, colon, value, end uint32 }

func (b *Block) reset() {
	text := b.text[:0]
	if b.lent {
		text = nil
	}
	*b = Block{text: text, fields: b.fields[:0]}
}

// ended notes how a line of the block ended.
func (b *Block) ended(crlf bool) {
	b.crlf = b.crlf || crlf
	b.lf = b.lf || !crlf
}

// add takes in a line, which is not empty.
func (b *Block) add(line []byte) {
	at := len(b.text)
	b.text = append(b.text, line...)
	b.index(at, line)
}

// Len is the number of fields.
func (b *Block) Len() int { return len(b.fields) }

// Size is the length of all lines, their ends not counted, in bytes.
func (b *Block) Size() int { return len(b.text) }

// Key is the key of the i-th field; of a line without a colon, all of it.
func (b *Block) Key(i int) []byte {
	f := b.fields[i]
	return b.text[f.key:f.colon:f.colon]
}

// Value is the value of the i-th field, empty for a line without a colon.
func (b *Block) Value(i int) []byte {
	f := b.fields[i]
	return b.text[f.value:f.end:f.end]
}

// Line is the i-th line as it came, without its end.
func (b *Block) Line(i int) []byte {
	f := b.fields[i]
	return b.text[f.key:f.end:f.end]
}

// Is says whether there is an i-th field and it has this key.
func (b *Block) Is(i int, key string) bool {
	if i < 0 || i >= len(b.fields) {
		return false
	}
	f := b.fields[i]
	return int(f.colon-f.key) == len(key) && string(b.text[f.key:f.colon]) == key
}

// Get is the first value of key, or nil if the block has no such key.
func (b *Block) Get(key string) []byte {
	for i := range b.fields {
		if b.Is(i, key) {
			return b.Value(i)
		}
	}
	return nil
}

// Last is the last value of key, or nil if the block has no such key.
func (b *Block) Last(key string) []byte {
	for i := len(b.fields) - 1; i >= 0; i-- {
		if b.Is(i, key) {
			return b.Value(i)
		}
	}
	return nil
}

// Count says how often key occurs.
func (b *Block) Count(key string) int {
	n := 0
	for i := range b.fields {
		if b.Is(i, key) {
			n++
		}
	}
	return n
}

// All yields keys and values in the order in which they came.
func (b *Block) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for i := range b.fields {
			if !yield(b.Key(i), b.Value(i)) {
				return
			}
		}
	}
}

// Odd says that no server writes a block like this: some of its lines end in
// CR LF and some in LF alone, or one has no colon. Somebody has smuggled a line
// break into a value.
func (b *Block) Odd() bool { return b.bare || b.lf && b.crlf }
