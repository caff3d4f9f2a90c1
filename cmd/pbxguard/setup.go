package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"pbxguard/adapters/asterisk"
	"pbxguard/config"
	"pbxguard/report"
	"pbxguard/setup"
)

// setupOrder is what the command line asks of setup.
type setupOrder struct {
	cli                *cli
	root, pbx          string
	config             string // its path as the host names it
	write, undo, admin bool
	network            bool
	gate               string // which dial plan to print; "": none
}

func (c *cli) setupCommand() *cobra.Command {
	o := setupOrder{cli: c}
	cmd := &cobra.Command{
		Use: "setup", Short: "Find the PBX and print or write the account the guard needs", Args: o.args,
		Long: `Find the PBX of this host and print the AMI account that the guard needs, the
file it belongs in and the command that puts it in force. With --write it is
written there, with a backup of what was there before, and --undo takes it back.
No process is started and no call is dropped. For a FreeSWITCH it prints a user of
the directory, who may do no more on the event socket than the guard must.

systemd lets the service reach this host only. With --network the drop-in is
printed, or written, that opens what the configuration needs besides: a PBX on
another host, the name servers if there are names to look up.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.network && !o.undo:
				return o.open(cmd.Context())
			case o.undo:
				return o.undoAll()
			}
			return o.run()
		},
	}
	cmd.Flags().BoolVar(&o.write, "write", false, "write the account")
	cmd.Flags().BoolVar(&o.undo, "undo", false, "take back what --write did")
	cmd.Flags().BoolVar(&o.admin, "admin", false, "print the optional second account, too")
	cmd.Flags().BoolVar(&o.network, "network", false, "the same for what the service may reach, not for the account")
	cmd.Flags().StringVar(&o.gate, "gate", "", "print the dial plan that asks before a call leaves, for the PBX that is found or for `KIND`: "+strings.Join(gateKinds, ", "))
	cmd.Flags().Lookup("gate").NoOptDefVal = foundKind
	cmd.Flags().StringVar(&o.pbx, "pbx", "", "the `name` of the PBX, where there are several")
	cmd.Flags().StringVar(&o.root, "root", "/", "the `directory` that stands for /")
	return cmd
}

func (o *setupOrder) args(cmd *cobra.Command, args []string) error {
	if o.write && o.undo {
		return errors.New("--write and --undo are not for the same run")
	}
	if o.gate != "" && o.gate != foundKind && !slices.Contains(gateKinds, o.gate) {
		return fmt.Errorf("--gate=%s is none of %s", o.gate, strings.Join(gateKinds, ", "))
	}
	return cobra.NoArgs(cmd, args)
}

// host is what setup changes. The account and the network are undone separately.
func (o *setupOrder) host() setup.Host {
	if o.network {
		return setup.Host{Root: o.root, Journal: "/var/lib/pbxguard/network"}
	}
	return setup.Host{Root: o.root, Journal: "/var/lib/pbxguard"}
}

func (o *setupOrder) undoAll() error {
	paths, err := o.host().Undo()
	for _, p := range paths {
		fmt.Fprintf(o.cli.stdout, "restored %s\n", report.Safe(p))
	}
	if errors.Is(err, setup.ErrNothing) {
		o.cli.note("nothing to undo")
		return nil
	}
	switch {
	case err != nil:
	case o.network:
		fmt.Fprint(o.cli.stdout, opened)
	default:
		fmt.Fprint(o.cli.stdout, inForce)
	}
	return err
}

const inForce = `
Put it in force, which drops no call:
    asterisk -rx 'manager reload'
    systemctl reload pbxguard
`

func (o *setupOrder) run() error {
	path, err := filepath.Abs(o.cli.config)
	if err != nil {
		return err
	}
	o.config = path
	conf, err := config.Load(filepath.Join(o.root, path))
	if err != nil {
		return invalid{err}
	}
	pbx, err := o.choose(conf.PBX)
	if err != nil {
		return err
	}
	if o.gate != "" {
		return o.printGate(conf, pbx)
	}
	if pbx.Type == config.FreeSWITCH {
		f, err := readFreeSWITCH(o.root, pbx.ConfigDir)
		if err != nil {
			f, err = findFreeSWITCH(o.root)
		}
		if err != nil {
			return hinted{err, "on another host, run it there; for another directory, set config_dir"}
		}
		return o.runFreeSWITCH(conf, pbx, f)
	}
	found, err := asterisk.Discover(o.root)
	if err != nil {
		if f, none := findFreeSWITCH(o.root); none == nil {
			return o.runFreeSWITCH(conf, pbx, f)
		}
		return hinted{err, "on another host, run it there; for another directory, set config_dir and write the account by hand"}
	}
	o.describe(found)
	i := slices.IndexFunc(found.Accounts, func(a asterisk.AMIAccount) bool { return a.Name == pbx.Username })
	if i >= 0 {
		return o.existing(pbx, found.Accounts[i])
	}
	return o.account(pbx, found)
}

// choose returns the PBX that is meant.
func (o *setupOrder) choose(pbxs []config.PBX) (config.PBX, error) {
	for _, p := range pbxs {
		if p.Name == o.pbx || o.pbx == "" && len(pbxs) == 1 {
			return p, nil
		}
	}
	if o.pbx == "" {
		return config.PBX{}, hinted{errors.New("there are several PBXs"), "say which with --pbx"}
	}
	return config.PBX{}, fmt.Errorf("no PBX is called %q in %s", o.pbx, o.config)
}

// describe tells what was found.
func (o *setupOrder) describe(f asterisk.Found) {
	kind := "Asterisk"
	if f.FreePBX {
		kind = "FreePBX"
	}
	var trunks []string
	for _, t := range f.Trunks {
		trunks = append(trunks, t.Name)
	}
	fmt.Fprintf(o.cli.stdout, "Found %s in %s: %d phones, %d trunks", kind, report.Safe(f.ConfigDir), len(f.Phones), len(trunks))
	if len(trunks) > 0 {
		fmt.Fprintf(o.cli.stdout, " (%s)", report.Safe(strings.Join(trunks, ", ")))
	}
	fmt.Fprintf(o.cli.stdout, "\nAMI at %s", report.Safe(f.Address))
	switch {
	case f.ManagerEnabled:
	case f.FreePBX:
		fmt.Fprint(o.cli.stdout, ", which is off: switch it on in FreePBX, under Advanced Settings")
	default:
		fmt.Fprint(o.cli.stdout, ", which is off; the account comes with what switches it on, for this host alone")
	}
	fmt.Fprint(o.cli.stdout, "\n")
	for _, p := range f.Problems {
		o.cli.note("%s", p)
	}
}

// existing tells of an account that is there already. It is not changed.
func (o *setupOrder) existing(pbx config.PBX, a asterisk.AMIAccount) error {
	fmt.Fprintf(o.cli.stdout, "\nThe account %s is there already.\n", report.Safe(a.Name))
	if len(a.Excess) > 0 {
		o.cli.note("warning: it may do more than the guard needs: %s", strings.Join(a.Excess, " "))
	}
	if pbx.Secret == "" {
		fmt.Fprintf(o.cli.stdout, "Put its secret, on one line, into %s (mode 0640), then: systemctl reload pbxguard\n", report.Safe(o.secretFile(pbx)))
		return errFound
	}
	fmt.Fprint(o.cli.stdout, "Next: pbxguard check\n")
	return nil
}

// account prints or writes the account.
func (o *setupOrder) account(pbx config.PBX, f asterisk.Found) error {
	secret := pbx.Secret.Reveal()
	known := secret != ""
	if !known {
		secret = rand.Text()
	}
	text, file, own, err := asterisk.Stanza(f, pbx.Username, secret)
	if err != nil {
		return err
	}
	o.printAdmin(pbx, f)
	if !o.write {
		if known {
			text = strings.ReplaceAll(text, secret, "(the one in the configuration)")
		} else {
			fmt.Fprintf(o.cli.stdout, "\nInto %s (mode 0640):\n    %s\n", report.Safe(o.secretFile(pbx)), secret)
		}
		fmt.Fprintf(o.cli.stdout, "\nInto %s (mode 0640):\n%s%s\nOr let it be written: pbxguard setup --write\n", report.Safe(file), indent(text), inForce)
		return nil
	}
	if !own {
		text = "\n; The account of pbxguard, which watches and ends calls.\n" + text
	}
	changes := []setup.Change{{Path: file, Text: text, Append: !own, Mode: 0o640, Like: filepath.Join(f.ConfigDir, "manager.conf")}}
	if !known {
		changes = append(changes, setup.Change{Path: o.secretFile(pbx), Text: secret + "\n", Mode: 0o640, Like: o.config})
	}
	if err := o.host().Apply(changes); err != nil {
		return hinted{err, "pbxguard setup --undo takes back what an earlier --write did"}
	}
	fmt.Fprint(o.cli.stdout, "\n")
	for _, c := range changes {
		fmt.Fprintf(o.cli.stdout, "wrote %s\n", report.Safe(c.Path))
	}
	fmt.Fprint(o.cli.stdout, inForce+"    pbxguard check\n")
	return nil
}

// printAdmin prints the second account if it is asked for. It may change the
// PBX's own database, which not everybody wants, so it is never written.
func (o *setupOrder) printAdmin(pbx config.PBX, f asterisk.Found) {
	if !o.admin {
		return
	}
	fmt.Fprintf(o.cli.stdout, `
Optional, for switching forwards off and for audits, beside the other account:
    [%[1]s-admin]
    secret = %[2]s
    deny = 0.0.0.0/0.0.0.0
    permit = 127.0.0.1/255.255.255.255
    write = system,reporting
and into %[3]s, under [[pbx]]:
    admin_username = "%[1]s-admin"
with the secret in %[4]s (mode 0640)
`, report.Safe(pbx.Username), rand.Text(), report.Safe(o.config), report.Safe(o.beside(pbx.Name+"-admin.secret")))
}

// secretFile is where the configuration looks for a PBX's secret.
func (o *setupOrder) secretFile(pbx config.PBX) string {
	if pbx.SecretFile == "" {
		return o.beside(pbx.Name + ".secret")
	}
	return o.beside(pbx.SecretFile)
}

// beside is the absolute path of a file that the configuration names.
func (o *setupOrder) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(o.config), name)
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n    ") + "\n"
}
