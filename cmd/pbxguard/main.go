// Command pbxguard guards a telephone exchange: it ends fraudulent calls and
// keeps password guessers out. The daemon and its command line are one program.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/report"
)

// Exit codes, beside 0 for done.
const (
	exitFailed  = 1
	exitUsage   = 2
	exitFound   = 3  // looked, and found something wrong
	exitInvalid = 78 // EX_CONFIG: a restart would not mend it
)

// version is set by the build.
var version string

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the whole program; it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := &cli{stdout: stdout, stderr: stderr}
	root := c.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	code := c.exitCode(err)
	if err != nil && !errors.Is(err, errFound) {
		c.complain(err)
	}
	return code
}

// cli is what all commands share.
type cli struct {
	stdout, stderr io.Writer
	socket         string // of the daemon; "": as configured
	config         string // path
	json           bool
	started        bool // the command's own code was reached, so its errors are not about usage
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "pbxguard",
		Short: "Ends fraudulent calls and keeps password guessers out of a PBX",
		Long: `pbxguard watches an Asterisk or FreeSWITCH PBX, ends fraudulent calls within
milliseconds and bans the addresses that guess SIP passwords.

It begins by observing: everything is judged and written down, nothing is
touched. Read "pbxguard log", then "pbxguard enforce calls bans".

Exit codes: 0 done; 1 failed; 2 the command line is wrong; 3 looked, and found
something; 78 the configuration is not valid.`,
		SilenceErrors: true,
		SilenceUsage:  true,

		SuggestionsMinimumDistance: 1,
		PersistentPreRun: func(*cobra.Command, []string) {
			c.started = true
		},
	}
	root.PersistentFlags().StringVar(&c.socket, "socket", "", "the daemon's control `socket` (default as configured)")
	root.PersistentFlags().StringVar(&c.config, "config", config.Path, "the configuration `file`")
	groups := []struct {
		title string
		cmds  []*cobra.Command
	}{
		{"Guard:", []*cobra.Command{c.runCommand(), c.checkCommand(), c.setupCommand(), c.modeCommand("enforce"), c.modeCommand("observe"), c.teardownCommand()}},
		{"Look:", []*cobra.Command{c.statusCommand(), c.callsCommand(), c.logCommand(), c.incidentsCommand(), c.bansCommand(), c.explainCommand(), c.auditCommand()}},
		{"Act:", []*cobra.Command{c.banCommand(), c.unbanCommand(), c.hangupCommand(), c.lockCommand(), c.unlockCommand(), c.allowCommand(), c.undoCommand(), c.panicCommand()}},
		{"Plan:", []*cobra.Command{c.drillCommand(), c.replayCommand(), c.listsCommand(), c.notifyCommand()}},
	}
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, cmd := range g.cmds {
			cmd.GroupID = g.title
			root.AddCommand(cmd)
		}
	}
	root.AddCommand(c.versionCommand(), c.demoCommand(), c.manualCommand())
	return root
}

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(c.stdout, "pbxguard %s (%s %s/%s)\n", programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// errFound ends a command that found something and has said so.
var errFound = errors.New("found something")

// hinted is an error with advice.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// invalid is what is wrong with the configuration file.
type invalid struct{ error }

func (i invalid) Unwrap() error { return i.error }

func (c *cli) exitCode(err error) int {
	var bad invalid
	var wrong usage
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFound):
		return exitFound
	case errors.As(err, &bad):
		return exitInvalid
	case !c.started, errors.As(err, &wrong):
		return exitUsage
	}
	return exitFailed
}

// complain writes what went wrong, and what may help, for a person.
func (c *cli) complain(err error) {
	c.note("%s", err)
	if hint := c.hintOf(err); hint != "" {
		fmt.Fprintln(c.stderr, "hint: "+report.Safe(hint))
	}
}

func (c *cli) hintOf(err error) string {
	var h hinted
	var refused *control.Error
	switch {
	case errors.As(err, &h):
		return h.hint
	case errors.As(err, &refused):
		return refused.Hint
	case errors.Is(err, control.ErrUnreachable) && errors.Is(err, os.ErrPermission):
		return "run it as root, or as a member of the group pbxguard to look only"
	case errors.Is(err, control.ErrUnreachable):
		return "systemctl status pbxguard"
	case !c.started:
		return "pbxguard --help"
	}
	return ""
}

// note tells a person something that is no result.
func (c *cli) note(format string, args ...any) {
	for _, line := range report.Lines(fmt.Sprintf(format, args...)) {
		fmt.Fprintln(c.stderr, "pbxguard: "+line)
	}
}

// page is where results for a person go.
func (c *cli) page() *report.Page { return report.NewPage(c.stdout, time.Now()) }

// client reaches the daemon where the command line or the configuration says
// that it listens. Whoever may look need not be able to read the latter.
func (c *cli) client() *control.Client {
	if c.socket != "" {
		return control.NewClient(c.socket)
	}
	conf, err := config.Load(c.config)
	if err == nil {
		return control.NewClient(conf.Control.Socket)
	}
	if f, err := os.Open(c.config); err == nil {
		f.Close()
		c.note("%s is not valid, so the daemon is sought at %s", c.config, control.DefaultPath)
	}
	return control.NewClient(control.DefaultPath)
}
