package main

import (
	"fmt"
	"os"
	"time"

	"pbxguard/atlas"
	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/tabular"
	"pbxguard/tariff"
)

// tables are the rate deck, the lists of numbers and the atlas. They are read at
// the start and at a reload, each as a whole, and go into force with the policy.
type tables struct {
	deck  *tariff.Deck // nil: money is not counted
	lists *tariff.Lists
	atlas *atlas.Atlas // nil: nobody knows where addresses are
	maps  []atlas.About
}

// readDeck reads the rate deck, if the configuration names one.
func readDeck(path string) (*tariff.Deck, tabular.Faults, error) {
	if path == "" {
		return nil, tabular.Faults{}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, tabular.Faults{}, fmt.Errorf("cannot read the rate deck: %w", err)
	}
	defer f.Close()
	return tariff.Read(path, f, time.Local)
}

// read reads them all. What cannot be used is told, and what was read before stays
// in its place.
func (t *tables) read(conf *config.Config) (wrong []error) {
	deck, faults, err := readDeck(conf.Tariff.Deck)
	for _, fault := range faults.Kept {
		wrong = append(wrong, fault)
	}
	if faults.Total > 0 {
		wrong = append(wrong, fmt.Errorf("%s: %d rows are left out", conf.Tariff.Deck, faults.Total))
	}
	if err == nil && deck != nil {
		_, err = deck.At(time.Now())
	}
	if err != nil {
		wrong = append(wrong, err)
	} else {
		t.deck = deck
	}
	lists, faulty := tariff.LoadLists(conf.Lists.Dir)
	t.lists = t.keep(lists, faulty)
	wrong = append(wrong, faulty...)
	if err := t.readAtlas(conf); err != nil {
		wrong = append(wrong, fmt.Errorf("the atlas: %w", err))
	}
	return wrong
}

// readAtlas reads where addresses are, if the configuration names files.
func (t *tables) readAtlas(conf *config.Config) error {
	if conf.Atlas == (config.Atlas{}) {
		t.atlas, t.maps = nil, nil
		return nil
	}
	a, maps, err := atlas.Open(conf.Atlas.Countries, conf.Atlas.Networks)
	if err != nil {
		return err
	}
	t.atlas, t.maps = a, maps
	return nil
}

// keep puts lists that were read before in the place of those that are there
// but could not be read now.
func (t *tables) keep(read *tariff.Lists, faulty []error) *tariff.Lists {
	if t.lists == nil || len(faulty) == 0 {
		return read
	}
	have := map[string]bool{}
	for _, l := range read.All() {
		have[l.Name] = true
	}
	all := read.All()
	for _, l := range t.lists.All() {
		if !have[l.Name] && tariff.MentionsList(faulty, l.Name) {
			all = append(all, l)
		}
	}
	return tariff.NewLists(all...)
}

// policy is the policy of a configuration with the tables as they hold at a time.
func (t *tables) policy(conf *config.Config, around surroundings, at time.Time) (*guard.Policy, error) {
	p, err := conf.Policy(around.found, around.never...)
	if err != nil {
		return nil, err
	}
	if t.lists != nil {
		p.Lists = t.lists
	}
	if t.atlas != nil {
		p.Atlas = t.atlas
	}
	if t.deck == nil {
		return p, nil
	}
	rates, err := t.deck.At(at)
	if err != nil {
		return nil, err
	}
	p.Tariff = rates
	return p, nil
}

// readTables reads the tables for a daemon, which tells what is wrong.
func (d *daemon) readTables(conf *config.Config) {
	wrong := d.tables.read(conf)
	check := control.Check{Name: "tariff and lists", Result: control.OK}
	for i, err := range wrong {
		d.log.Error("a rate deck, list or atlas is not as it should be", "error", err)
		if i == 0 {
			check.Result, check.Detail, check.Fix = control.Warning, err.Error(), "pbxguard check"
		}
	}
	d.troubled(check)
}

// atlasAge is how old a file of the atlas may be: addresses move between countries.
const atlasAge = 180 * 24 * time.Hour

// checkTables looks at the rate deck and the lists.
func checkTables(conf *config.Config) (checks []control.Check) {
	var t tables
	wrong := t.read(conf)
	for _, err := range wrong {
		checks = append(checks, control.Check{Name: "tariff and lists", Result: control.Warning, Detail: err.Error()})
	}
	if t.deck != nil {
		rates, err := t.deck.At(time.Now())
		if err == nil {
			checks = append(checks, control.Check{Name: "tariff", Result: control.OK,
				Detail: fmt.Sprintf("%d rates; what is unknown costs %s %s a minute", t.deck.Len(), rates.Currency(), rates.Dearest().PerMinute)})
		}
	}
	now := time.Now()
	for _, m := range t.maps {
		check := control.Check{Name: "atlas", Result: control.OK, Detail: fmt.Sprintf("%s: %s, of %s", m.File, m.Type, m.Built.Format(time.DateOnly))}
		if now.Sub(m.Built) > atlasAge {
			check.Result, check.Fix = control.Warning, "get a newer file from its publisher"
		}
		checks = append(checks, check)
	}
	for _, l := range t.lists.All() {
		check := control.Check{Name: "list " + l.Name, Result: control.OK, Detail: fmt.Sprintf("%d numbers, of %s", l.Len(), l.Imported.Format(time.DateOnly))}
		if l.Expired(now) {
			check.Result, check.Detail = control.Warning, "has expired on "+l.Expires.Format(time.DateOnly)
			check.Fix = "pbxguard lists import"
		}
		checks = append(checks, check)
	}
	return checks
}
