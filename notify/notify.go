// Package notify tells people of verdicts: by mail, by webhook, in a chat, in the
// journal.
//
// Verdicts about one account or address are one incident, and an incident is
// told once it has had a moment to unfold and again only now and then. Nobody
// waits for a receiver: each has a queue and a goroutine of its own, and what
// does not fit is counted.
package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"pbxguard/guard"
)

// Receiver is somebody who is told.
type Receiver interface {
	// Send delivers a message, or says why it could not. Its error never holds
	// a secret.
	Send(context.Context, *Message) error
}

// Options say who is told, and how often.
type Options struct {
	Receivers map[string]Receiver // by name
	Least     guard.Action        // verdicts that ask for less are not told
	Wait      time.Duration       // from an incident's first verdict to its message
	Every     time.Duration       // between two messages about one incident
	Hourly    int                 // messages an hour at most
	Host      string              // where the guard runs, for people
	Safe      func(string) string // makes foreign text harmless
	Log       *slog.Logger
	Now       func() time.Time // nil: time.Now
}

// Message is what a receiver is told.
type Message struct {
	Subject  string
	Text     string
	Incident *Incident // nil: it is about messages themselves
}

// Notifier groups verdicts and tells them. Make one with [New].
type Notifier struct {
	heard   chan guard.Decision
	unheard atomic.Uint64
	least   atomic.Uint32 // Options.Least, for those who tell
	changes chan change

	// What follows belongs to Run.
	opt    Options
	posts  []*post
	groups *grouper
}

// New returns a notifier that has yet to [Notifier.Run].
func New(opt Options) *Notifier {
	n := &Notifier{heard: make(chan guard.Decision, 1024), changes: make(chan change)}
	n.use(opt)
	n.groups = newGrouper(n.opt)
	return n
}

// use makes opt what holds, and returns the posts that are new and those that
// are no longer wanted. A receiver that stays the same keeps its post, and so
// what waits for it.
func (n *Notifier) use(opt Options) (fresh, old []*post) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Safe == nil {
		opt.Safe = func(s string) string { return s }
	}
	n.opt = opt
	n.least.Store(uint32(opt.Least))
	var posts []*post
	for _, p := range n.posts {
		if r, ok := opt.Receivers[p.name]; ok && reflect.DeepEqual(r, p.to) {
			posts = append(posts, p)
		} else {
			old = append(old, p)
		}
	}
	for name, r := range opt.Receivers {
		if !slices.ContainsFunc(posts, func(p *post) bool { return p.name == name }) {
			fresh = append(fresh, &post{name: name, to: r, queue: make(chan *Message, queued), log: opt.Log, retry: retries})
		}
	}
	n.posts = append(posts, fresh...)
	return fresh, old
}

// change is other options, and what is closed when they hold.
type change struct {
	opt  Options
	done chan struct{}
}

// Use changes who is told and how often. What has been heard of incidents
// stays; what waits for a receiver that is gone is still sent to him. It returns
// once the change holds, or with the error of ctx, and nothing is changed then.
func (n *Notifier) Use(ctx context.Context, opt Options) error {
	c := change{opt, make(chan struct{})}
	select {
	case n.changes <- c:
		<-c.done
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot change who is told: %w", ctx.Err())
	}
}

// Tell takes a verdict and returns at once. One that there is no room for is
// counted, and the next message says so.
func (n *Notifier) Tell(d guard.Decision) {
	if d.Outcome == "" && d.Action < guard.Action(n.least.Load()) || d.Outcome != "" && d.Outcome != "unconfirmed" {
		return
	}
	select {
	case n.heard <- d:
	default:
		n.unheard.Add(1)
	}
}

// Run tells until ctx is done. What is then still to be told is, within a few
// seconds.
func (n *Notifier) Run(ctx context.Context) error {
	posting, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	for _, p := range n.posts {
		wg.Go(func() { p.run(posting) })
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case d := <-n.heard:
			n.groups.add(&d, n.opt.Now())
			continue
		case c := <-n.changes:
			fresh, old := n.use(c.opt)
			n.groups.opt = n.opt
			close(c.done)
			for _, p := range fresh {
				wg.Go(func() { p.run(posting) })
			}
			for _, p := range old {
				close(p.queue)
			}
			continue
		case <-tick.C:
			n.post(n.groups.due(n.opt.Now(), int(n.unheard.Swap(0))))
			continue
		case <-ctx.Done():
		}
		break
	}
	for len(n.heard) > 0 {
		d := <-n.heard
		n.groups.add(&d, n.opt.Now())
	}
	n.post(n.groups.rest(n.opt.Now()))
	for _, p := range n.posts {
		close(p.queue)
	}
	timer := time.AfterFunc(lastWords, stop)
	defer timer.Stop()
	wg.Wait()
	return nil
}

// lastWords is how long the end waits for receivers.
const lastWords = 5 * time.Second

func (n *Notifier) post(messages []*Message) {
	for _, m := range messages {
		for _, p := range n.posts {
			p.put(m)
		}
	}
}

// Test sends a message to every receiver at once and returns what each answers.
func (n *Notifier) Test(ctx context.Context) map[string]error {
	m := &Message{Subject: "pbxguard on " + n.opt.Host + ": test", Text: "This is a test, asked for by hand. Nothing has happened.\n"}
	answers := map[string]error{}
	for _, p := range n.posts {
		answers[p.name] = p.send(ctx, m)
	}
	return answers
}

// post brings messages to one receiver.
type post struct {
	name  string
	to    Receiver
	queue chan *Message
	lost  atomic.Uint64
	log   *slog.Logger
	retry []time.Duration
}

// queued is how many messages may wait for one receiver.
const queued = 64

// patience is how long one try may take.
const patience = 30 * time.Second

// retries are the pauses before a failed message is tried again.
var retries = []time.Duration{5 * time.Second, time.Minute}

func (p *post) put(m *Message) {
	select {
	case p.queue <- m:
	default:
		if p.lost.Add(1) == 1 {
			p.log.Error("a receiver of messages does not keep up; some are lost to it", "receiver", p.name)
		}
	}
}

func (p *post) run(ctx context.Context) {
	for m := range p.queue {
		err := p.deliver(ctx, m)
		if err != nil {
			p.log.Error("a message could not be sent", "receiver", p.name, "subject", m.Subject, "error", err)
		}
		if n := p.lost.Swap(0); n > 0 && err == nil {
			p.log.Warn("messages were lost to a receiver that did not keep up", "receiver", p.name, "messages", n)
		}
	}
}

// deliver tries until it succeeds, or nobody believes in it any more.
func (p *post) deliver(ctx context.Context, m *Message) error {
	for try := 0; ; try++ {
		err := p.send(ctx, m)
		if err == nil || try == len(p.retry) {
			return err
		}
		select {
		case <-time.After(p.retry[try]):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

// send makes one try, which ends in time whatever the receiver does.
func (p *post) send(ctx context.Context, m *Message) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.to.Send(ctx, m) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("no answer within %v", patience)
	}
}

// hide takes secrets out of an error, which may quote what it was given.
func hide(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, s := range secrets {
		if len(s) > 3 {
			text = strings.ReplaceAll(text, s, "[redacted]")
		}
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}
