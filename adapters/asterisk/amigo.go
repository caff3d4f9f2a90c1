package asterisk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/ivahaev/amigo"
)

// instance is one connection of amigo's, from its beginning to the first thing
// that goes wrong.
type instance struct {
	ami      *amigo.Amigo
	messages chan map[string]string
	stop     chan struct{} // closed to end it
	dead     chan struct{} // closed when it has ended

	mu     sync.Mutex
	wanted string // the ActionID whose list is collected, or ""
	list   []map[string]string
	whole  chan struct{} // closed when the list is complete
}

func newInstance(ctx context.Context, o AdminOptions) (*instance, error) {
	host, port, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, err
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	in := &instance{
		ami: amigo.New(&amigo.Settings{Host: host, Port: port, Username: o.Username, Password: o.Secret,
			ActionTimeout: o.Timeout, DialTimeout: o.Timeout, ReconnectInterval: 5 * time.Second}),
		messages: make(chan map[string]string, 1024),
		stop:     make(chan struct{}), dead: make(chan struct{}),
	}
	broken := make(chan string, 16)
	in.ami.On("error", func(what string) {
		select {
		case broken <- what:
		default:
		}
	})
	in.ami.SetEventChannel(in.messages)
	in.ami.Connect()
	go in.run(broken)
	for !in.ami.Connected() {
		select {
		case <-in.dead:
			return nil, errors.New("the connection to Asterisk broke")
		case <-ctx.Done():
			close(in.stop)
			return nil, fmt.Errorf("no connection to Asterisk: %w", ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
	return in, nil
}

// run takes what comes, lest amigo blocks, until something breaks. amigo would
// connect again by itself; a fresh instance is preferred to one of unknown state.
func (in *instance) run(broken <-chan string) {
	defer close(in.dead)
	defer in.ami.Close()
	for {
		select {
		case m := <-in.messages:
			in.take(m)
		case <-broken:
			return
		case <-in.stop:
			return
		}
	}
}

// take keeps a message if it belongs to the list that somebody waits for.
func (in *instance) take(m map[string]string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.wanted == "" || m["ActionID"] != in.wanted || m["Response"] != "":
	case m["EventList"] == "Complete":
		in.wanted = ""
		close(in.whole)
	case len(in.list) < maxListed:
		in.list = append(in.list, m)
	}
}

// collect has the list that answers an action collected, until whole is closed.
func (in *instance) collect(id string) (whole <-chan struct{}) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.wanted, in.list, in.whole = id, nil, make(chan struct{})
	return in.whole
}

func (in *instance) do(ctx context.Context, action map[string]string) (answer map[string]string, list []map[string]string, err error) {
	whole := in.collect(action["ActionID"])
	type result struct {
		answer map[string]string
		err    error
	}
	done := make(chan result, 1) // amigo may come back late or, when it is cut off in between, never
	go func() {
		answer, err := in.ami.Action(action)
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		answer, err = r.answer, r.err
	case <-in.dead:
		err = errors.New("the connection to Asterisk broke")
	case <-ctx.Done():
		err = ctx.Err()
	}
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("no answer from Asterisk: %w", err)
	case answer["Error"] != "":
		return nil, nil, fmt.Errorf("no answer from Asterisk: %s", answer["Error"])
	case answer["EventList"] != "start":
		return answer, nil, nil
	}
	select {
	case <-whole:
		return answer, in.list, nil
	case <-in.dead:
		return nil, nil, errors.New("the connection to Asterisk broke")
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("no end of the list from Asterisk: %w", ctx.Err())
	}
}
