package numbering

import (
	"strings"
	"testing"
)

func BenchmarkNormalise(b *testing.B) {
	plan := mustPlan(b, mustDefault(b, "NL"))
	for _, bench := range []struct{ name, dialled string }{
		{"emergency", "112"},
		{"national", "0201234567"},
		{"international", "00972597562518"},
		{"nanp", "0018092345678"},
		{"satellite", "00881612345678"},
		{"candidate", "99011966560690444"},
		{"letters", "0900-ABCD"},
		{"worst", strings.Repeat("9", maxDialled)},
		{"toolong", strings.Repeat("9", 1<<20)},
	} {
		b.Run("cold/"+bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				plan.Normalise(bench.dialled)
			}
		})
	}
	cache := NewCache(plan, 1024)
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			cache.Normalise("00972597562518")
		}
	})
}

func BenchmarkEmergency(b *testing.B) {
	plan := mustPlan(b, mustDefault(b, "NL"))
	b.ReportAllocs()
	for b.Loop() {
		plan.Emergency("00972597562518")
	}
}

func BenchmarkDialTargets(b *testing.B) {
	b.ReportAllocs()
	buf := make([]string, 0, 4)
	for b.Loop() {
		DialTargets("PJSIP/0031900@trunk&SIP/trunk/0032", buf[:0])
	}
}
