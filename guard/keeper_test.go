package guard

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestFloodHidesNobody: twenty thousand forged sources a second that never come
// back do not hide a hundred that guess once in half a minute.
func TestFloodHidesNobody(t *testing.T) {
	seconds := 160
	if testing.Short() {
		t.Skip("3 million sources")
	}
	p := newPost(t, enforcedBans(func(p *Policy) { p.Bans.Budget, p.Bans.Spray, p.Bans.Sources = 1_000_000, 0, 20_000 }), Memory{})
	h := p.s.hooks
	h.record = func(Record) {}
	p.s.hooks = h
	fail := func(a netip.Addr, proof Proof) {
		p.s.handle(&Event{Kind: AuthFailed, PBX: "a", Account: ext("101"), Service: "PJSIP", Session: "x",
			Source: netip.AddrPortFrom(a, 5060), Proof: proof}, p.now)
	}
	const rate, guessers = 20_000, 100
	forged := uint32(0x0B000000)
	for range seconds * 10 {
		p.now = p.now.Add(100 * time.Millisecond)
		for range rate / 10 {
			var b [4]byte
			binary.BigEndian.PutUint32(b[:], forged)
			forged++
			fail(netip.AddrFrom4(b), Unproven)
		}
		for g := range guessers {
			if at := p.now.Sub(wednesday) / (100 * time.Millisecond); at%300 == time.Duration(g*3) {
				fail(netip.AddrFrom4([4]byte{203, 0, 113, byte(g)}), Unproven)
			}
		}
		p.s.tick(p.now)
	}
	caught, others := 0, 0
	for x := range p.lengths {
		if netip.MustParsePrefix("203.0.113.0/24").Contains(x.Addr()) {
			caught++
		} else {
			others++
		}
	}
	if caught != guessers || others != 0 {
		t.Errorf("caught %d of %d guessers, and %d forged sources", caught, guessers, others)
	}
	var st Status
	if p.s.status(&st); st.Sources > 20_000 {
		t.Errorf("%d sources are tracked, the cap is 20,000", st.Sources)
	}
	t.Logf("%d sources seen, %d caught, %d tracked", forged-0x0B000000, caught, st.Sources)
	p.wait(11 * time.Minute)
	if p.s.status(&st); st.Sources != 0 {
		t.Errorf("%d sources are remembered after the window", st.Sources)
	}
}

// TestFloodOfQuestions: the same for requests without credentials.
func TestFloodOfQuestions(t *testing.T) {
	p := newPost(t, enforcedBans(func(p *Policy) { p.Bans.Sources = 1000 }), Memory{})
	ask := func(a netip.Addr, account string, n int) {
		p.s.handle(&Event{Kind: AuthChallenged, PBX: "a", Account: ext(account), Service: "PJSIP", Session: string(rune(n)),
			Source: netip.AddrPortFrom(a, 5060)}, p.now)
	}
	forged := uint32(0x0B000000)
	for i := range 600 { // a minute
		p.now = p.now.Add(100 * time.Millisecond)
		for range 200 {
			var b [4]byte
			binary.BigEndian.PutUint32(b[:], forged)
			forged++
			ask(netip.AddrFrom4(b), "100", 0)
		}
		if i%30 == 0 {
			ask(netip.MustParseAddr(guesser), string(rune('a'+i/30)), i)
		}
		p.s.tick(p.now)
	}
	p.wait(3 * time.Second)
	p.wantBanned(guesser + "/32")
}

// TestFirstSightingCounts: the door notes the first failure of a source while
// the table is full, and the second lets it in as two.
func TestFirstSightingCounts(t *testing.T) {
	p := newPost(t, enforcedBans(func(p *Policy) { p.Bans.Sources = 1 }), Memory{})
	p.udp("192.0.2.1").wrong("101") // fills the table
	p.udp(guesser).wrong("101", "101", "101", "101")
	p.wantBanned()
	p.udp(guesser).wrong("101")
	p.wantBanned(guesser + "/32")
}

// TestDoorRemembers: what came within the time of one filter is remembered, what
// came two ago is not.
func TestDoorRemembers(t *testing.T) {
	d := &door{seed: maphash.MakeSeed(), keep: time.Minute}
	if d.knock(1, 0, 0) {
		t.Error("a stranger was familiar")
	}
	if !d.knock(1, 0, 59*time.Second) || d.knock(1, 1, 59*time.Second) {
		t.Error("the second knock in the same minute, or another table's")
	}
	if !d.knock(1, 0, 100*time.Second) {
		t.Error("forgotten after one turn")
	}
	if d.knock(2, 0, 10*time.Minute); d.knock(1, 0, 20*time.Minute) {
		t.Error("remembered for ever")
	}
}

// TestDoorIsTight: a full filter lets few strangers pass.
func TestDoorIsTight(t *testing.T) {
	d := &door{seed: maphash.MakeSeed(), keep: time.Hour}
	let := 0
	const n = 1_000_000
	for i := range uint64(n) {
		if d.knock(i, 0, 0) {
			let++
		}
	}
	if let > n/1000 {
		t.Errorf("%d of %d strangers were let in", let, n)
	}
}

// TestDistinct holds the count against a map.
func TestDistinct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const window = 50
		limit := rapid.IntRange(1, 12).Draw(t, "limit")
		var d distinct
		last := map[uint32]stamp{}
		now := stamp(1)
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			now += stamp(rapid.IntRange(0, 20).Draw(t, "gap"))
			h := uint32(rapid.IntRange(0, 15).Draw(t, "h"))
			n, before := d.add(h, now, window, limit)
			if before != 0 && before != last[h] {
				t.Fatalf("before: got %d, want %d", before, last[h])
			}
			last[h] = now
			want := 0
			for _, at := range last {
				if now-at <= window {
					want++
				}
			}
			if n != min(want, limit) {
				t.Fatalf("got %d, want %d of at most %d", n, want, limit)
			}
		}
	})
}

// TestSuspectSlides: the sliding count never holds what has left the window, and
// misses no more than its oldest sixteenth.
func TestSuspectSlides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const part, window = 10, parts * 10
		var u suspect
		var all []stamp
		now := stamp(1)
		for range rapid.IntRange(1, 200).Draw(t, "n") {
			now += stamp(rapid.SampledFrom([]int{0, 1, 5, 9, 10, 11, 40, 150, 160, 170, 1000}).Draw(t, "gap"))
			u.slide(now, part)
			u.add(1, 1, wrongPassword, now, part)
			all = append(all, now)
			most, least := 0, 0
			for _, at := range all {
				if now-at < window {
					most++
				}
				if now-at < window-part {
					least++
				}
			}
			if n := u.count(); n > most || n < least {
				t.Fatalf("at %d: got %d, want %d to %d", now, n, least, most)
			}
		}
	})
}

// TestSourceKeys: a key is worth exactly its prefix.
func TestSourceKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a netip.Addr
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes")
		bits := 64
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			a, bits = netip.AddrFrom4([4]byte(b)), 32
		case 1:
			a, bits = netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff, 12: b[0], 13: b[1], 14: b[2], 15: b[3]}), 32
		default:
			b[0] |= 0x20 // global unicast; ::/8 is reserved
			a = netip.AddrFrom16([16]byte(b))
		}
		p := keyOf(a).prefix()
		if !p.Contains(a.Unmap()) || p.Bits() != bits || p != p.Masked() {
			t.Fatalf("%s has key %s", a, p)
		}
		if k, ok := keyOfPrefix(p); !ok || k != keyOf(a) {
			t.Fatalf("%s: got %v, %v", p, k, ok)
		}
	})
}

func TestBudgetPerMinute(t *testing.T) {
	var b budget
	takes := func(n, limit int, now time.Duration) (oks, firsts int) {
		for range n {
			ok, first := b.take(limit, now)
			if ok {
				oks++
			}
			if first {
				firsts++
			}
		}
		return oks, firsts
	}
	for i, now := range []time.Duration{0, time.Minute, 10 * time.Minute} {
		if oks, firsts := takes(10, 3, now); oks != 3 || firsts != 1 {
			t.Errorf("minute %d: got %d, first refusals %d", i, oks, firsts)
		}
	}
	b = budget{}
	if oks, firsts := takes(10, 0, 0); oks != 0 || firsts != 1 {
		t.Errorf("none allowed: got %d, first refusals %d", oks, firsts)
	}
}
