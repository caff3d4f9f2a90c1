package main

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"pbxguard/config"
	"pbxguard/notify"
	"pbxguard/report"
)

// receivers says whom verdicts are told to; without receivers that is nobody.
func receivers(conf *config.Config, log *slog.Logger) notify.Options {
	to := map[string]notify.Receiver{}
	for _, r := range conf.Receivers {
		switch r.Type {
		case "mail":
			to[r.Name] = &notify.Mail{Server: r.Server, TLS: r.TLS, Username: r.Username, Password: r.Secret.Reveal(), From: r.From, To: r.To}
		case "webhook":
			to[r.Name] = &notify.Webhook{URL: r.URL, Secret: r.Secret.Reveal()}
		case "chat":
			to[r.Name] = &notify.Chat{URL: r.Secret.Reveal()}
		default:
			to[r.Name] = &notify.Journal{Log: log}
		}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	n := conf.Notify
	return notify.Options{Receivers: to, Least: n.Least, Wait: n.Wait, Every: n.Every, Hourly: n.Hourly, Host: host, Safe: report.Safe, Log: log}
}

func (c *cli) notifyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "notify", Short: "Send a test message to every receiver", Args: cobra.NoArgs,
		Long: `Send a test message to every receiver of the configuration and say how it went.
The exit code is 3 if one of them could not be reached.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf, err := config.Load(c.config)
			if err != nil {
				return invalid{err}
			}
			if len(conf.Receivers) == 0 {
				c.note("there is no [[receiver]] in %s", c.config)
				return nil
			}
			answers := notify.New(receivers(conf, newLog(c.stderr, new(slog.LevelVar)))).Test(cmd.Context())
			failed := false
			for _, name := range slices.Sorted(maps.Keys(answers)) {
				word := "sent"
				if err := answers[name]; err != nil {
					word, failed = err.Error(), true
				}
				fmt.Fprintf(c.stdout, "%s: %s\n", name, report.Safe(word))
			}
			if failed {
				return errFound
			}
			return nil
		},
	}
}
