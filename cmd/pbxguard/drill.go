package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pbxguard/config"
	"pbxguard/drill"
	"pbxguard/guard"
	"pbxguard/report"
)

func (c *cli) drillCommand() *cobra.Command {
	var pbx string
	var seed uint64
	var gate bool
	cmd := c.jsonFlag(&cobra.Command{
		Use: "drill", Short: "Put known attacks to the policy, without touching anything", Args: cobra.NoArgs,
		Long: `Put known attacks to the policy of the configuration, enforced: a stolen account
that pumps over a weekend, one that works from another network, a phone that
forwards abroad, a wave of short rings, slow ones among the honest calls of the
day, and others. They happen in the country and on the clock of the PBX. Nothing is called and
nothing is changed; no daemon is needed. For each attack it says whether it was
stopped, after how many calls and how long, and what was lost until then. Each
is met by a guard that has seen three weeks of honest calls.

Money is counted by the rate deck, or by usual prices if there is none. The exit
code is 3 if an attack was not stopped.`,
		RunE: func(*cobra.Command, []string) error {
			conf, err := c.policyFile()
			if err != nil {
				return invalid{err}
			}
			p, err := choosePBX(conf, pbx)
			if err != nil {
				return err
			}
			outcomes, currency, err := c.drill(conf, p, drill.Options{Seed: seed, Gate: gate, Past: 3})
			if err != nil {
				return err
			}
			if err := c.write(outcomes, func(p *report.Page) error { return drilled(p, outcomes, currency) }); err != nil {
				return err
			}
			for _, o := range outcomes {
				if !o.Stopped {
					return errFound
				}
			}
			return nil
		},
	})
	cmd.Flags().StringVar(&pbx, "pbx", "", "the `name` of the PBX, where there are several")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "another `number` makes other attacks of the same kinds")
	cmd.Flags().BoolVar(&gate, "gate", false, "as if the dial plan asked the guard before a call leaves")
	return cmd
}

// drill holds a drill at a PBX.
func (c *cli) drill(conf *config.Config, pbx *config.PBX, opt drill.Options) ([]drill.Outcome, string, error) {
	var t tables
	for _, fault := range t.read(conf) {
		c.note("%s", fault)
	}
	around := foundAt(conf)
	policy, err := t.policy(conf, around, time.Now())
	if err != nil {
		return nil, "", invalid{err}
	}
	currency := "EUR"
	if policy.Tariff != nil {
		currency = policy.Tariff.Currency()
	}
	site := policy.PBXs[pbx.Name]
	opt.Policy = policy
	opt.Place = drill.Place{
		PBX: pbx.Name, Trunk: trunkOf(pbx, around.found[pbx.Name]), Extension: extensionOf(site),
		Dial: drill.Dialler(site.Plan), Send: drill.Dialler(site.TrunkPlan),
	}
	country := site.Plan.Country()
	opt.Place.Home, opt.Place.Code, opt.Place.Zone = drill.Home(country), drill.Code(country), site.Zone
	outcomes, err := drill.Run(opt)
	return outcomes, currency, err
}

// trunkOf is an endpoint that leads outside.
func trunkOf(pbx *config.PBX, found config.Discovered) string {
	for _, name := range append(found.Trunks, pbx.Trunks...) {
		if !strings.ContainsAny(name, "*?") {
			return name
		}
	}
	return "trunk" // it shows by what it is sent
}

// extensionOf names the invented extensions as the dial plan does.
func extensionOf(site *guard.Site) func(string) string {
	for _, form := range []string{"%s", "1%s", "2%s", "10%s", "5%s", "8%s"} {
		if site.Plan.Internal(fmt.Sprintf(form, "217")) && site.Plan.Internal(fmt.Sprintf(form, "201")) {
			return func(name string) string { return fmt.Sprintf(form, name) }
		}
	}
	return func(name string) string { return name[1:] }
}

// drilled writes the outcome for a person.
func drilled(p *report.Page, outcomes []drill.Outcome, currency string) error {
	stopped, worst := 0, guard.Money(0)
	rows := make([][]string, len(outcomes))
	for i, o := range outcomes {
		worst = max(worst, o.Total)
		result, calls, after := "NOT STOPPED", "-", "-"
		switch {
		case o.Stopped:
			stopped++
			result, calls, after = "stopped", fmt.Sprint(o.Calls), o.After.Round(time.Second).String()
		case o.Reported:
			result = "only reported"
		}
		rows[i] = []string{o.Attack, result, calls, after, o.Loss.String(), o.Total.String(), o.Without.String(), o.Rule, report.Safe(o.Reason)}
	}
	head := []string{"ATTACK", "RESULT", "CALLS", "AFTER", "LOST UNTIL THEN", "IN ALL", "UNGUARDED", "RULE", "REASON"}
	if err := p.Table(head, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.W, "%d of %d stopped, worst loss %s %s\n", stopped, len(outcomes), currency, worst)
	return err
}
