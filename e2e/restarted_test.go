package e2e

import (
	"context"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/testbed"
)

// TestCrashAsterisk restarts a real Asterisk, or kills it, every ten seconds for
// ten minutes, or in the usual run of the tests once. After each the guard
// sees its calls, still ends fraud, and has lost neither bans nor decisions.
func TestCrashAsterisk(t *testing.T) {
	a := testbed.Start(t, 22)
	freshWall(t)
	o := newOffice(t, stack(a, "pjsip", a.SIP), settings{Calls: "enforce", Bans: "enforce", Firewall: "nftables", BansMore: `learn = "0s"`})
	k := &killed{
		t: t, d: o.guard, client: control.NewClient(filepath.Join(o.guard.dir, "control.sock")),
		shown: map[netip.Prefix]guard.Ban{}, lifted: map[netip.Prefix]bool{}, verdicts: map[uint64]guard.Decision{},
	}
	rounds := crashes(t, "PBXGUARD_RESTARTS", 1, 1, 60)
	files := 0
	for n := range rounds {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		o.ctx = ctx
		next := time.Now().Add(10 * time.Second)
		o.round(n, k)
		if n == 0 {
			files = o.guard.descriptors()
		}
		if n%2 == 0 {
			o.Restart(t)
		} else {
			o.Kill9(t)
			o.Boot(t)
		}
		o.guard.WaitConnected()
		k.returned(ctx)
		o.guard.await("the guard sees the calls of the PBX", 30*time.Second, func() bool {
			return o.guard.Status().Engine.Sites[0].Legs == o.Legs(t)
		})
		if crashLong() {
			time.Sleep(time.Until(next))
		}
		cancel()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	o.ctx = ctx
	o.round(rounds, k)
	o.guard.await("no more files and connections than before", 30*time.Second, func() bool { return o.guard.descriptors() <= files+spareFiles })
	o.guard.Stop()
	k.reckon()
	t.Logf("%d restarts; %d bans and %d decisions were shown", rounds, len(k.shown), len(k.verdicts))
}

// round is an honest call that stays up, a fraud that does not, and a ban.
func (o *office) round(n int, k *killed) {
	o.t.Helper()
	phone := o.phone("100")
	o.trunk.SetAnswer(testbed.Accept())
	o.answered(phone, "0205550101")
	o.trunk.SetAnswer(testbed.AcceptAfter(rings))
	o.refused(o.phone("102").Invite(premium))
	o.killed("destination", "102")
	o.trunk.SetAnswer(testbed.Accept())
	if err := k.act(o.ctx); err != nil {
		o.t.Errorf("round %d: %v", n, err)
	}
	if err := k.lookBans(o.ctx); err != nil {
		o.t.Error(err)
	}
	if err := k.lookDecisions(o.ctx); err != nil {
		o.t.Error(err)
	}
}
