package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"pbxguard/config"
	"pbxguard/demo"
	"pbxguard/store"
)

// demoSecret is the password of the played PBX, which nobody else can reach.
const demoSecret = "played"

func (c *cli) demoCommand() *cobra.Command {
	kind := config.Asterisk
	cmd := &cobra.Command{
		Use: "demo", Short: "Play a recorded attack to the real daemon and show what it does", Args: cobra.NoArgs,
		Long: `Play a recorded attack on a real Asterisk to the real daemon, and show what is
killed and banned, and why. It takes half a minute, needs no PBX and no root,
and changes nothing: the firewall is dry and the state goes to a temporary folder.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			attack, name := demo.Attack, "Asterisk"
			switch kind {
			case config.FreeSWITCH:
				attack, name = demo.AttackFreeSWITCH, "FreeSWITCH"
			case config.Asterisk:
			default:
				return fmt.Errorf("--pbx=%s is neither %s nor %s", kind, config.Asterisk, config.FreeSWITCH)
			}
			recording, err := attack()
			if err != nil {
				return err
			}
			fmt.Fprintf(c.stdout, "A recorded attack on a real %s, %v long, played to the real pbxguard.\n"+
				"The firewall is dry: nothing on this machine changes.\n\n", name, recording.Length().Round(time.Second))
			story := demo.NewStory(c.stdout)
			if err := playDemo(cmd.Context(), kind, recording, story, 1); err != nil {
				return err
			}
			story.End()
			fmt.Fprint(c.stdout, "\nOn your own PBX: sudo pbxguard setup\n")
			return nil
		},
	}
	cmd.Flags().StringVar(&kind, "pbx", config.Asterisk, "the `kind` of PBX that is attacked: asterisk or freeswitch")
	return cmd
}

// playDemo runs the daemon against the recording, speed times as fast as it was.
func playDemo(ctx context.Context, kind string, recording *demo.Recording, story *demo.Story, speed float64) (err error) {
	dir, err := os.MkdirTemp("", "pbxguard-demo")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "pbxguard.toml")
	if err := os.WriteFile(path, demoConfig(kind, dir, ln.Addr().String()), 0o600); err != nil {
		return err
	}
	conf, err := config.Load(path)
	if err != nil {
		return err
	}
	d, err := newDaemon(ctx, path, conf, slog.New(slog.DiscardHandler), new(slog.LevelVar))
	if err != nil {
		return err
	}
	server := demo.NewServer(recording, "pbxguard", demoSecret)
	server.Seen, server.Blocked = story.Saw, d.bans
	crew := newCrew()
	below := crew.layer()
	below.start("daemon", func(ctx context.Context) error {
		return errors.Join(d.run(ctx, nil), d.close())
	})
	above := crew.layer()
	above.start("pbx", func(ctx context.Context) error {
		defer context.AfterFunc(ctx, func() { ln.Close() })()
		server.Serve(ln)
		return nil
	})
	above.start("story", func(ctx context.Context) error { return d.tell(ctx, story) })

	played, done := context.WithCancel(ctx)
	failed := make(chan error, 1)
	go func() { failed <- play(ctx, server, speed); done() }()
	err = errors.Join(crew.wait(played), <-failed)
	return errors.Join(err, crew.dismiss())
}

// play plays the recording once the daemon is there, and lets it finish.
func play(ctx context.Context, server *demo.Server, speed float64) error {
	ready, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := server.Ready(ready); err != nil {
		return err
	}
	if err := server.Play(ctx, speed); err != nil {
		return err
	}
	time.Sleep(500 * time.Millisecond) // the last decisions reach the store
	return nil
}

// bans says whether the daemon keeps an address out.
func (d *daemon) bans(addr netip.Addr) bool {
	bans, err := d.engine.Bans(context.Background())
	if err != nil {
		return false
	}
	for _, b := range bans {
		if b.Enforced && b.Prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// tell tells the story of what was decided since the last look, until ctx is done.
func (d *daemon) tell(ctx context.Context, story *demo.Story) error {
	for {
		decisions, err := d.store.Decisions(context.Background(), store.Query{})
		if err != nil {
			return err
		}
		story.Decided(decisions)
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil
		}
	}
}

// demoConfig is the shipped policy, enforced, for the office of the recording. It
// locks late, so that the reasons of more rules than that are seen.
func demoConfig(kind, dir, address string) []byte {
	account, extensions := `username = "pbxguard"`, `^1\d\d$`
	if kind == config.FreeSWITCH {
		account, extensions = "", `^1\d\d\d$`
	}
	return fmt.Appendf(nil, `
[calls]
mode = "enforce"
[bans]
mode = "enforce"
[[pbx]]
name = "office"
type = %q
address = %q
%s
secret = %q
config_dir = %q
trunks = ["trunk"]
time_zone = "Europe/Amsterdam"
[pbx.dialplan]
country = "NL"
extensions = '%s'
[rules.hours]
action = "allow"
[rules.weekend]
action = "allow"
[rules.country]
allow = ["BE", "DE"]
action = "kill"
[rules.concurrent]
max = 20
[rules.sequential]
max = 20
[rules.repeat]
max = 10
[firewall]
mode = "dry"
[store]
path = %q
[control]
socket = %q
`, kind, address, account, demoSecret, dir, extensions, filepath.Join(dir, "state.db"), filepath.Join(dir, "sock"))
}
