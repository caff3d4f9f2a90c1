package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pbxguard/audit"
	"pbxguard/audit/runs"
	"pbxguard/config"
	"pbxguard/numbering"
)

// check says what is wrong with the flags.
func (f *auditFlags) check() (threshold audit.Severity, err error) {
	if f.since != "" && f.since != "last" {
		return "", fmt.Errorf("cannot compare with %q: --since takes only \"last\"", f.since)
	}
	if !slices.Contains([]string{"text", "json", "sarif", "junit", "html"}, f.format) {
		return "", fmt.Errorf("cannot write %q: --format takes text, json, sarif, junit or html", f.format)
	}
	if f.root != "" && (f.asterisk != "" || f.freeswitch != "") {
		return "", errors.New("cannot use --root together with --asterisk or --freeswitch")
	}
	if f.failOn == "none" {
		return audit.Critical, nil
	}
	return audit.ParseSeverity(f.failOn)
}

// live tells whether this host itself is audited.
func (f *auditFlags) live() bool { return f.root == "" && f.asterisk == "" && f.freeswitch == "" }

// tree opens what is audited. The name is that under which runs are kept.
func (f *auditFlags) tree() (t *audit.Tree, root string, err error) {
	if f.asterisk == "" && f.freeswitch == "" {
		root = f.root
		if root == "" {
			root = "/"
		}
		if root, err = filepath.Abs(root); err != nil {
			return nil, "", err
		}
		t, err = audit.Open(root)
		return t, root, err
	}
	t = &audit.Tree{}
	var names []string
	for _, m := range f.folders() {
		if m.dir == "" {
			continue
		}
		dir, err := filepath.Abs(m.dir)
		if err == nil {
			err = t.Mount(m.at, dir)
		}
		if err != nil {
			return nil, "", errors.Join(err, t.Close())
		}
		names = append(names, dir)
	}
	return t, strings.Join(names, " and "), nil
}

// folder is one of this host that is shown as another.
type folder struct{ at, dir string }

// folders are those of configurations.
func (f *auditFlags) folders() []folder {
	return []folder{{"/etc/asterisk", f.asterisk}, {"/etc/freeswitch", f.freeswitch}}
}

// relative are the folders that were given as relative ones, as in a checkout.
func (f *auditFlags) relative() map[string]string {
	shown := map[string]string{}
	for _, m := range append(f.folders(), folder{"/", f.root}) {
		if m.dir != "" && filepath.IsLocal(m.dir) {
			shown[m.at] = filepath.ToSlash(filepath.Clean(m.dir))
		}
	}
	return shown
}

// suppressions are those of the file named, or of the usual one if it is there.
func (f *auditFlags) suppressions() ([]audit.Suppression, error) {
	name := f.suppress
	if name == "" {
		name = auditSuppress
	}
	data, err := os.ReadFile(name)
	if err != nil {
		if f.suppress == "" && (os.IsNotExist(err) || os.IsPermission(err)) {
			return nil, nil
		}
		return nil, err
	}
	known := map[string]bool{}
	for _, check := range allChecks() {
		known[check.ID] = true
	}
	s, err := audit.ParseSuppressions(data, known)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// auditPlan is how phones dial: as said, as configured, or not known.
func (c *cli) auditPlan(f *auditFlags) *numbering.Plan {
	dial := config.DialPlan{Extensions: `^[1-9]\d{1,5}$`}
	country := f.country
	if conf, err := config.Load(c.config); err == nil && len(conf.PBX) > 0 {
		dial = conf.PBX[0].DialPlan
		if country == "" {
			country = dial.Country
		}
	}
	if country == "" {
		return nil
	}
	profile, err := numbering.DefaultProfile(strings.ToUpper(country))
	if err != nil {
		c.note("%v: what numbers cost is not known", err)
		return nil
	}
	profile.OutsideLine, profile.Extensions = dial.OutsideLine, dial.Extensions
	plan, err := numbering.NewPlan(profile)
	if err != nil {
		c.note("%v: what numbers cost is not known", err)
		return nil
	}
	return plan
}

// auditRuns opens the file of runs. Whoever may not keep any still gets his
// audit; a copy of another host's files leaves nothing here unless told to.
func (c *cli) auditRuns(ctx context.Context, f *auditFlags) *runs.DB {
	path, asked := f.state, f.state != ""
	if path == "none" {
		return nil
	}
	if !asked {
		if path = auditState; f.root != "" || f.asterisk != "" || f.freeswitch != "" {
			return nil
		}
	}
	db, err := runs.Open(ctx, path)
	if err != nil {
		if asked || f.since != "" {
			c.note("%v", err)
		}
		return nil
	}
	return db
}
