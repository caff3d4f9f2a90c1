package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"pbxguard/testbed"
)

// startProbe starts the least of programs that bans: it reads the same stream,
// counts, and adds to a set in the kernel. It knows no policy, keeps nothing
// and says nothing.
func startProbe(t testing.TB) *told {
	t.Helper()
	p := testbed.PlayAMI(t, nil)
	process := bareProcess(t, p.Address(), countBans)
	return &told{title: "bare program", link: p.Link("security"), process: process.Pid, write: failingAs(t)}
}

// count reads until the connection ends, and bans who has failed too often.
func count(in *bufio.Reader) error {
	conn, set, err := probeTable()
	if err != nil {
		return err
	}
	failures := map[netip.Addr]int{}
	failed := false
	var from netip.Addr
	for {
		text, err := in.ReadSlice('\n')
		if err != nil {
			return nil
		}
		text = bytes.TrimRight(text, "\r\n")
		if len(text) > 0 {
			switch key, value, _ := bytes.Cut(text, []byte(": ")); string(key) {
			case "Event":
				failed = string(value) == "ChallengeResponseFailed"
			case "RemoteAddress":
				if parts := bytes.Split(value, []byte("/")); len(parts) == 4 {
					from, _ = netip.ParseAddr(string(parts[2]))
				}
			}
			continue
		}
		if failed && from.Is4() {
			if failures[from]++; failures[from] == retries {
				a := from.As4()
				if err := conn.SetAddElements(set, []nftables.SetElement{{Key: a[:], Timeout: time.Hour}}); err != nil {
					return err
				}
				if err := conn.Flush(); err != nil {
					return err
				}
			}
		}
		failed, from = false, netip.Addr{}
	}
}

// probeTable drops what comes from the addresses of a set.
func probeTable() (*nftables.Conn, *nftables.Set, error) {
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return nil, nil, err
	}
	table := conn.AddTable(&nftables.Table{Name: "bare", Family: nftables.TableFamilyIPv4})
	set := &nftables.Set{Table: table, Name: "banned", KeyType: nftables.TypeIPAddr, HasTimeout: true}
	if err := conn.AddSet(set, nil); err != nil {
		return nil, nil, err
	}
	chain := conn.AddChain(&nftables.Chain{Name: "in", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRaw})
	conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 4},
		&expr.Lookup{SourceRegister: 1, SetName: set.Name, SetID: set.ID},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}})
	if err := conn.Flush(); err != nil {
		return nil, nil, fmt.Errorf("cannot make the bare program's table: %w", err)
	}
	return conn, set, nil
}
