package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"pbxguard/guard"
	"pbxguard/testbed"
)

// inTurn runs the test on chan_pjsip and chan_sip of Asterisk 16 and on 22, one
// after the other: there is one kernel, and in it one table of bans.
func inTurn(t *testing.T, test func(t *testing.T, s server)) {
	for _, version := range []int{16, 22} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			a := testbed.Start(t, version)
			t.Run("pjsip", func(t *testing.T) { test(t, stack(a, "pjsip", a.SIP)) })
			if a.OldSIP.IsValid() {
				t.Run("sip", func(t *testing.T) { test(t, stack(a, "sip", a.OldSIP)) })
			}
		})
	}
}

// walled starts a daemon that bans in the kernel, on which nobody is banned
// yet. bans are further lines of [bans].
func walled(t testing.TB, pbx testbed.PBX, bans string) *daemon {
	t.Helper()
	freshWall(t)
	return startDaemon(t, pbx, settings{Bans: "enforce", Firewall: "nftables", BansMore: bans})
}

// freshWall takes away the table that an earlier daemon left, now and when the
// test ends.
func freshWall(t testing.TB) {
	t.Helper()
	nft(t, "add table inet pbxguard; delete table inet pbxguard")
	t.Cleanup(func() { nft(t, "add table inet pbxguard; delete table inet pbxguard") })
}

// nft changes the kernel's rules as an administrator does.
func nft(t testing.TB, commands string) {
	t.Helper()
	testbed.Namespace(t)
	if _, err := exec.LookPath("nft"); err != nil {
		testbed.Skip(t, "needs nft (apt-get install nftables)")
	}
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(commands)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nft: %v: %s", err, out)
	}
}

// wall is whom the kernel keeps out, and for how much longer; 0 is until
// lifted. It is nil if there is no table.
func wall(t testing.TB) map[netip.Prefix]time.Duration {
	t.Helper()
	out, err := exec.Command("nft", "-j", "list", "table", "inet", "pbxguard").Output()
	if err != nil {
		return nil
	}
	var listing struct {
		Objects []struct {
			Set *struct {
				Name     string            `json:"name"`
				Elements []json.RawMessage `json:"elem"`
			} `json:"set"`
		} `json:"nftables"`
	}
	if err := json.Unmarshal(out, &listing); err != nil {
		t.Fatalf("cannot read what nft lists: %v", err)
	}
	kept := map[netip.Prefix]time.Duration{}
	for _, o := range listing.Objects {
		if o.Set == nil {
			continue
		}
		for _, raw := range o.Set.Elements {
			p, left := element(t, raw)
			if o.Set.Name == "ban6" {
				p = netip.PrefixFrom(p.Addr(), 64)
			}
			kept[p] = left
		}
	}
	return kept
}

// addresses is whom the kernel keeps out by address, and not by network, as wall has
// them. nft begins anew when a ban is added while it lists, and with thousands of
// bans never comes to an end while others are made.
func addresses(t testing.TB) map[netip.Prefix]time.Duration {
	t.Helper()
	conn, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	held := map[netip.Prefix]time.Duration{}
	for name, key := range map[string]nftables.SetDatatype{"ban4": nftables.TypeIPAddr, "ban6": nftables.TypeIP6Addr} {
		elements, err := conn.GetSetElements(&nftables.Set{Name: name, KeyType: key,
			Table: &nftables.Table{Name: "pbxguard", Family: nftables.TableFamilyINet}})
		if errors.Is(err, unix.ENOENT) {
			return nil // no table
		}
		if err != nil {
			t.Fatalf("cannot list whom the kernel keeps out: %v", err)
		}
		for _, e := range elements {
			if a, ok := netip.AddrFromSlice(e.Key); ok {
				held[kept(a)] = e.Expires
			}
		}
	}
	return held
}

// element reads one element of a set: a value, or a value with its time.
func element(t testing.TB, raw json.RawMessage) (p netip.Prefix, left time.Duration) {
	t.Helper()
	var timed struct {
		Element struct {
			Value   json.RawMessage `json:"val"`
			Expires int             `json:"expires"`
		} `json:"elem"`
	}
	if json.Unmarshal(raw, &timed) == nil && timed.Element.Value != nil {
		raw, left = timed.Element.Value, time.Duration(timed.Element.Expires)*time.Second
	}
	var wide struct {
		Prefix struct {
			Addr netip.Addr `json:"addr"`
			Len  int        `json:"len"`
		} `json:"prefix"`
	}
	var single netip.Addr
	switch {
	case json.Unmarshal(raw, &single) == nil:
		return netip.PrefixFrom(single, single.BitLen()), left
	case json.Unmarshal(raw, &wide) == nil && wide.Prefix.Addr.IsValid():
		return netip.PrefixFrom(wide.Prefix.Addr, wide.Prefix.Len), left
	}
	t.Fatalf("cannot read the element %s", raw)
	return p, left
}

// kept is the prefix that is banned when addr is.
func kept(addr netip.Addr) netip.Prefix {
	if addr.Is4() {
		return netip.PrefixFrom(addr, 32)
	}
	return netip.PrefixFrom(addr, 64).Masked()
}

// in is the daemon for a subtest that runs beside others and does not restart it.
func (d *daemon) in(t testing.TB) *daemon {
	c := *d
	c.t = t
	return &c
}

// Bans lists the bans as the daemon tells them.
func (d *daemon) Bans() (bans []guard.Ban) {
	d.t.Helper()
	d.JSON(&bans, "bans")
	return bans
}

// Ban is what the daemon says of the ban of one prefix.
func (d *daemon) Ban(p netip.Prefix) (guard.Ban, bool) {
	d.t.Helper()
	for _, b := range d.Bans() {
		if b.Prefix == p {
			return b, true
		}
	}
	return guard.Ban{}, false
}

// decided lists the decisions of a rule about a source; of all rules if it is "".
func (d *daemon) decided(rule string, source netip.Addr) (found []guard.Decision) {
	d.t.Helper()
	for _, v := range d.Decisions() {
		if v.Source == source && (rule == "" || v.Rule == rule) {
			found = append(found, v)
		}
	}
	return found
}

// onlyBanned fails the test if anybody is banned who is not named, by the
// kernel or by the daemon's word.
func (d *daemon) onlyBanned(t testing.TB, named ...netip.Addr) {
	t.Helper()
	may := map[netip.Prefix]bool{}
	for _, a := range named {
		may[kept(a)] = true
	}
	for p := range wall(t) {
		if !may[p] {
			t.Errorf("the kernel keeps %s out", p)
		}
	}
	for _, b := range d.Bans() {
		if !may[b.Prefix] {
			t.Errorf("%s is banned: %s", b.Prefix, b.Reason)
		}
	}
}
