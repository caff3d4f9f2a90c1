package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// listen opens the socket at path. A socket that a dead daemon left behind is
// removed; anything else in the way is an error.
func listen(path string) (*net.UnixListener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// Until its mode is set, the socket is guarded by the directory and, as
	// always, by the check of each caller.
	if err := os.Chmod(path, 0o660); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// makeDir makes the socket's directory where systemd has not, and tells whether
// it did.
func makeDir(dir string) (made bool, err error) {
	err = os.Mkdir(dir, 0o750)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// admit gives paths to a group and returns its id: that of the named group or,
// with an empty name, the daemon's own.
func admit(group string, paths ...string) (int, error) {
	if group == "" {
		return os.Getegid(), nil
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return 0, err
	}
	gid, err := strconv.Atoi(g.Gid)
	for _, path := range paths {
		err = errors.Join(err, os.Chown(path, -1, gid))
	}
	return gid, err
}

// removeStale removes the socket at path if nobody answers on it.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is in the way: it is not a socket", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
		return fmt.Errorf("another daemon answers on %s", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("cannot tell whether another daemon runs: %w", err)
	}
	return os.Remove(path)
}

// capped is a listener with a bounded number of connections open at once.
// Callers beyond it wait in the kernel's queue.
type capped struct {
	*net.UnixListener
	slots chan struct{}
}

func (l *capped) Accept() (net.Conn, error) {
	l.slots <- struct{}{}
	c, err := l.AcceptUnix()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &slot{UnixConn: c, free: sync.OnceFunc(func() { <-l.slots })}, nil
}

// slot is a connection that makes room for another when it is closed.
type slot struct {
	*net.UnixConn
	free func()
}

func (s *slot) Close() error {
	defer s.free()
	return s.UnixConn.Close()
}
