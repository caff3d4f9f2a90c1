package host

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// A Ruleset is what the kernel's nftables hold: the rules of nft, and those of
// an iptables that is built on them.
type Ruleset struct {
	Chains []Chain
}

// A Chain is one of them, with its table's family.
type Chain struct {
	Family nftables.TableFamily
	Table  string
	Name   string
	Input  bool // it sees every packet for this host
	Drops  bool // what no rule names is dropped
	Rules  [][]expr.Any
	// Sets are the elements of the sets that its rules name.
	Sets map[string][]nftables.SetElement
}

// Bounds of a ruleset. A country list has a hundred thousand elements, but in
// sets of addresses, which are not read.
const (
	maxChains   = 5000
	maxRules    = 50_000
	maxElements = 10_000
)

// Kernel reads the rules of the network namespace that it is called in. It needs
// CAP_NET_ADMIN, and changes nothing.
func Kernel() (Ruleset, error) {
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return Ruleset{}, fmt.Errorf("cannot ask the kernel for its firewall rules: %w", err)
	}
	defer conn.CloseLasting()
	chains, err := conn.ListChains()
	if err != nil {
		return Ruleset{}, fmt.Errorf("cannot ask the kernel for its firewall rules: %w", err)
	}
	if len(chains) > maxChains {
		return Ruleset{}, fmt.Errorf("cannot read the kernel's firewall rules: it has %d chains", len(chains))
	}
	var all Ruleset
	rules := 0
	for _, c := range chains {
		one, err := readChain(conn, c)
		if err != nil {
			return Ruleset{}, fmt.Errorf("cannot read the kernel's chain %s of table %s: %w", c.Name, c.Table.Name, err)
		}
		if rules += len(one.Rules); rules > maxRules {
			return Ruleset{}, fmt.Errorf("cannot read the kernel's firewall rules: it has more than %d", maxRules)
		}
		all.Chains = append(all.Chains, one)
	}
	return all, nil
}

func readChain(conn *nftables.Conn, c *nftables.Chain) (Chain, error) {
	one := Chain{Family: c.Table.Family, Table: c.Table.Name, Name: c.Name, Sets: map[string][]nftables.SetElement{}}
	one.Input = c.Hooknum != nil && *c.Hooknum == *nftables.ChainHookInput && c.Type == nftables.ChainTypeFilter && ours(c.Table.Family) != nil
	one.Drops = c.Policy != nil && *c.Policy == nftables.ChainPolicyDrop
	rules, err := conn.GetRules(c.Table, c)
	if err != nil {
		return one, err
	}
	for _, r := range rules {
		one.Rules = append(one.Rules, r.Exprs)
		for _, e := range r.Exprs {
			if l, ok := e.(*expr.Lookup); ok && one.Sets[l.SetName] == nil {
				if one.Sets[l.SetName], err = readPorts(conn, c.Table, l); err != nil {
					return one, err
				}
			}
		}
	}
	return one, nil
}

// readPorts reads the elements of a set whose keys are ports. Others, of which
// only that they narrow a rule counts, may be huge.
func readPorts(conn *nftables.Conn, table *nftables.Table, l *expr.Lookup) ([]nftables.SetElement, error) {
	set, err := conn.GetSetByName(table, l.SetName)
	if err != nil {
		return nil, err
	}
	set.ID = l.SetID
	if set.KeyType.Name != nftables.TypeInetService.Name && set.KeyType.Bytes != 2 {
		return []nftables.SetElement{}, nil
	}
	elements, err := conn.GetSetElements(set)
	if err == nil && len(elements) > maxElements {
		err = errors.New("a set has too many elements")
	}
	return elements, err
}

// ours are the families of the model that a table's family is about; nil: none.
func ours(f nftables.TableFamily) []int {
	switch f {
	case nftables.TableFamilyINet:
		return []int{0, 1}
	case nftables.TableFamilyIPv4:
		return []int{0}
	case nftables.TableFamilyIPv6:
		return []int{1}
	}
	return nil
}

// chain returns one by the place that a verdict in another names.
func (rs Ruleset) chain(from *Chain, name string) *Chain {
	i := slices.IndexFunc(rs.Chains, func(c Chain) bool {
		return c.Name == name && c.Table == from.Table && c.Family == from.Family
	})
	if i < 0 {
		return nil
	}
	return &rs.Chains[i]
}
