package main

import (
	"context"
	"fmt"
	"sync"
)

// crew owns the daemon's goroutines. They stand in layers: what was started
// last ends first, so that nobody's records or orders find nobody there to
// take them.
type crew struct {
	layers []*layer
	failed chan error
}

// layer is a part of the crew that ends together.
type layer struct {
	crew *crew
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
}

func newCrew() *crew { return &crew{failed: make(chan error, 1)} }

// layer begins a layer on top of those there are.
func (c *crew) layer() *layer {
	l := &layer{crew: c}
	l.ctx, l.stop = context.WithCancel(context.Background())
	c.layers = append(c.layers, l)
	return l
}

// start runs a member, which must go on until its context is done: one that
// ends before takes the whole daemon down, for systemd to start it afresh.
func (l *layer) start(name string, f func(context.Context) error) {
	l.wg.Go(func() {
		err := f(l.ctx)
		if l.ctx.Err() != nil && err == nil {
			return
		}
		if err == nil {
			err = fmt.Errorf("it ended by itself")
		}
		select {
		case l.crew.failed <- fmt.Errorf("%s: %w", name, err):
		default: // another failed first
		}
	})
}

// wait returns when ctx is done, or with the error of the first member to fail.
func (c *crew) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-c.failed:
		return err
	}
}

// dismiss ends all layers, the topmost first, and waits for each. It returns
// the error of a member that failed and that wait has not returned.
func (c *crew) dismiss() error {
	for i := len(c.layers) - 1; i >= 0; i-- {
		c.layers[i].stop()
		c.layers[i].wg.Wait()
	}
	select {
	case err := <-c.failed:
		return err
	default:
		return nil
	}
}
