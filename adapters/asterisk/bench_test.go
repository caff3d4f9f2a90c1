package asterisk

import (
	"bytes"
	"io"
	"testing"
	"time"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// BenchmarkTranslate reads and translates a recording of 1,000 calls at 50 a
// second, as both connections of a guard would get it.
func BenchmarkTranslate(b *testing.B) {
	stream := capture(b, "22-pjsip", "flood_50cps")
	b.Run("all events", func(b *testing.B) { translateAll(b, stream) })
	for _, name := range []string{"Newchannel", "DialBegin", "Newstate", "Hangup", "SuccessfulAuth", "ContactStatus", "BridgeEnter"} {
		one := only(b, stream, name)
		if len(one) == 0 {
			continue
		}
		b.Run(name, func(b *testing.B) { translateAll(b, one) })
	}
}

// translateAll reads a stream again and again; one operation is one block.
func translateAll(b *testing.B, stream []byte) {
	src := bytes.NewReader(stream)
	r := wire.NewReader(src)
	told := 0
	tr := translator{pbx: "pbx", trust: securityClass | callClass | systemClass, emit: func(*guard.Event) { told++ }}
	var blk wire.Block
	now := time.Unix(1, 0)
	b.ReportAllocs()
	blocks := 0
	for b.Loop() {
		err := r.Read(&blk)
		if err == io.EOF {
			src.Reset(stream)
			r = wire.NewReader(src)
			err = r.Read(&blk)
		}
		if err != nil {
			b.Fatal(err)
		}
		tr.block(&blk, now)
		blocks++
	}
	b.ReportMetric(float64(blocks)/b.Elapsed().Seconds(), "blocks/s")
	b.ReportMetric(float64(told)/float64(blocks), "events/block")
}

// only keeps the events of a name.
func only(b *testing.B, stream []byte, name string) (kept []byte) {
	b.Helper()
	for block := range bytes.SplitSeq(stream, []byte("\r\n\r\n")) {
		if bytes.HasPrefix(block, []byte("Event: "+name+"\r\n")) {
			kept = append(kept, block...)
			kept = append(kept, "\r\n\r\n"...)
		}
	}
	return kept
}
