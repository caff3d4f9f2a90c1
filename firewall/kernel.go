package firewall

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// kernel is the table over one lasting netlink connection. One goroutine uses
// it at a time.
//
// The connection is opened once and early on purpose: the library waits with
// select(2), which cannot take a descriptor above 1023.
type kernel struct {
	*layout
	conn    *nftables.Conn
	port    uint32              // our netlink address, to know our own transactions
	handles map[string][]uint64 // handles of our rules by chain
}

// openKernel connects and makes the table whole.
func openKernel(table string) (*kernel, error) {
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return nil, fmt.Errorf("cannot open a netlink connection: %w", err)
	}
	k := &kernel{layout: newLayout(table), conn: conn, handles: make(map[string][]uint64)}
	if k.port, err = conn.GetPortID(); err == nil {
		err = k.claim()
	}
	if err != nil {
		return nil, errors.Join(explain(err, table), conn.CloseLasting())
	}
	return k, nil
}

// claim makes the table whole at the start, when a set of another shape is
// somebody else's and not ours to delete.
func (k *kernel) claim() error {
	for _, s := range k.sets {
		if have, err := k.conn.GetSetByName(k.table, s.Name); err == nil && !sameShape(have, s) {
			return fmt.Errorf("its set %s is not one of pbxguard's; remove the table with: nft delete table inet %s",
				s.Name, k.table.Name)
		}
	}
	_, err := k.ensure()
	return err
}

func (k *kernel) close() error { return k.conn.CloseLasting() }

// explain says what an error of the kernel at the start means.
func explain(err error, table string) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("cannot change the firewall: the capability CAP_NET_ADMIN is missing (root has it): %w", err)
	case errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EAFNOSUPPORT):
		return fmt.Errorf("cannot use nftables: this kernel lacks nf_tables or its inet family: %w", err)
	}
	return fmt.Errorf("cannot set up table inet %s: %w", table, err)
}

func sameShape(a, b *nftables.Set) bool {
	return a.KeyType.Bytes == b.KeyType.Bytes && a.Interval == b.Interval &&
		a.HasTimeout == b.HasTimeout && a.Timeout == b.Timeout && !a.IsMap && !a.Constant && !a.Concatenation
}

// damage is what is wrong with the table; none if reason is empty.
type damage struct {
	reason   string
	elements bool // bans are gone with it
}

// check looks whether the table, its sets, chains and rules are as they should
// be. It takes some 100 µs.
func (k *kernel) check() (damage, error) {
	t, err := k.conn.ListTableOfFamily(k.table.Name, k.table.Family)
	switch {
	case gone(err):
		return damage{"the table is gone", true}, nil
	case err != nil:
		return damage{}, err
	case t.Flags&nftables.TableFlagDormant != 0:
		return damage{"the table is dormant", false}, nil
	}
	for _, s := range k.sets {
		have, err := k.conn.GetSetByName(k.table, s.Name)
		switch {
		case gone(err):
			return damage{"set " + s.Name + " is gone", true}, nil
		case err != nil:
			return damage{}, fmt.Errorf("cannot look for set %s: %w", s.Name, err)
		case !sameShape(have, s):
			return damage{"set " + s.Name + " was replaced", true}, nil
		}
	}
	for _, c := range k.chains {
		if reason, err := k.checkChain(c); reason != "" || err != nil {
			return damage{reason, false}, err
		}
	}
	return damage{}, nil
}

func (k *kernel) checkChain(c *nftables.Chain) (string, error) {
	have, err := k.conn.ListChain(k.table, c.Name)
	switch {
	case gone(err):
		return "chain " + c.Name + " is gone", nil
	case err != nil:
		return "", fmt.Errorf("cannot look for chain %s: %w", c.Name, err)
	case !sameHook(have, c):
		return "chain " + c.Name + " was replaced", nil
	}
	rules, err := k.conn.GetRules(k.table, c)
	if err != nil {
		return "", fmt.Errorf("cannot list the rules of chain %s: %w", c.Name, err)
	}
	var handles []uint64
	for _, r := range rules {
		handles = append(handles, r.Handle)
	}
	if !slices.Equal(handles, k.handles[c.Name]) {
		return "rules of chain " + c.Name + " were changed", nil
	}
	return "", nil
}

func sameHook(a, b *nftables.Chain) bool {
	return a.Type == b.Type && a.Hooknum != nil && *a.Hooknum == *b.Hooknum &&
		a.Priority != nil && *a.Priority == *b.Priority && a.Policy != nil && *a.Policy == *b.Policy
}

// ensure makes the table whole in one transaction: it creates what is missing,
// replaces sets and chains of another shape, and writes the rules anew.
// Elements of sound sets stay. It reports whether a set is new, so empty.
func (k *kernel) ensure() (fresh bool, err error) {
	missing := make([]*nftables.Set, 0, len(k.sets))
	for _, s := range k.sets {
		have, err := k.conn.GetSetByName(k.table, s.Name)
		switch {
		case gone(err):
			missing = append(missing, s)
		case err != nil:
			return false, fmt.Errorf("cannot look for set %s: %w", s.Name, err)
		case !sameShape(have, s):
			k.conn.AddTable(k.table)
			k.conn.DelTable(k.table) // with all it holds; created anew below
			return true, k.create(k.sets)
		}
	}
	for _, c := range k.chains {
		if have, err := k.conn.ListChain(k.table, c.Name); err == nil && !sameHook(have, c) {
			k.conn.FlushChain(c)
			k.conn.DelChain(c)
		}
	}
	return len(missing) > 0, k.create(missing)
}

// create commits the table with those sets and all chains and rules.
func (k *kernel) create(sets []*nftables.Set) error {
	k.conn.AddTable(k.table)
	for _, s := range sets {
		s.ID = 0 // valid within a transaction only
		if err := k.conn.AddSet(s, nil); err != nil {
			return fmt.Errorf("cannot add set %s: %w", s.Name, err)
		}
	}
	written := make(map[string][]*nftables.Rule)
	for _, c := range k.chains {
		k.conn.AddChain(c)
		k.conn.FlushChain(c)
		for _, r := range k.rules(c) {
			written[c.Name] = append(written[c.Name], k.conn.AddRule(r))
		}
	}
	if err := k.conn.Flush(); err != nil {
		return fmt.Errorf("cannot write table inet %s: %w", k.table.Name, err)
	}
	for chain, rules := range written {
		k.handles[chain] = k.handles[chain][:0]
		for _, r := range rules {
			k.handles[chain] = append(k.handles[chain], r.Handle)
		}
	}
	return nil
}

// holds reports whether the kernel has an element with that key.
func (k *kernel) holds(s *nftables.Set, key netip.Addr) (bool, error) {
	_, err := k.conn.FindSetElements(s, []nftables.SetElement{{Key: key.AsSlice()}})
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cannot look for %s in set %s: %w", key, s.Name, err)
	}
	return true, nil
}

// element is the set element of a prefix in a hash set; d 0 is until lifted.
func element(p netip.Prefix, d time.Duration) nftables.SetElement {
	return nftables.SetElement{Key: p.Addr().AsSlice(), Timeout: d}
}

func gone(err error) bool { return errors.Is(err, unix.ENOENT) }

// passing says whether the kernel may take later what it refuses now: the table
// is gone, another program owns it, or there is no memory.
func passing(err error) bool {
	return gone(err) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.ENOBUFS)
}

// removeTable deletes the table, if it is there, with all it holds.
func removeTable(conn *nftables.Conn, name string) error {
	t := &nftables.Table{Name: name, Family: nftables.TableFamilyINet}
	conn.AddTable(t) // so that deleting it cannot fail
	conn.DelTable(t)
	if err := writeError(conn.Flush()); err != nil {
		return fmt.Errorf("cannot remove table inet %s: %w", name, err)
	}
	return nil
}
