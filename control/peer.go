package control

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/user"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// peer is who the kernel says is at the other end of a connection.
type peer struct {
	uid, gid uint32
}

// peerOf asks the kernel for the credentials that the other end had when it connected.
func peerOf(c *net.UnixConn) (p peer, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return p, err
	}
	var cred *unix.Ucred
	if err := raw.Control(func(fd uintptr) {
		cred, _ = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return p, err
	}
	if cred == nil {
		return p, fmt.Errorf("cannot tell who is calling")
	}
	return peer{cred.Uid, cred.Gid}, nil
}

// acts tells whether p may change what the daemon does.
func (p peer) acts() bool { return p.uid == 0 || p.uid == uint32(os.Geteuid()) }

// looks tells whether p may see what the daemon sees: whom and when people
// call is nobody else's business. The credentials hold only one of the peer's
// groups, so the others come from the user database.
func (p peer) looks(gid int) bool {
	if p.acts() || int(p.gid) == gid {
		return true
	}
	u, err := user.LookupId(strconv.Itoa(int(p.uid)))
	if err != nil {
		return false
	}
	groups, err := u.GroupIds()
	return err == nil && slices.Contains(groups, strconv.Itoa(gid))
}

// String names p for the record.
func (p peer) String() string {
	uid := strconv.Itoa(int(p.uid))
	if u, err := user.LookupId(uid); err == nil {
		return fmt.Sprintf("%s (uid %s)", u.Username, uid)
	}
	return "uid " + uid
}

type peerKey struct{}

// withPeer is an http.Server's ConnContext. A connection whose peer is unknown
// gets none, and is refused everything.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	slot, ok := c.(*slot)
	if !ok {
		return ctx
	}
	p, err := peerOf(slot.UnixConn)
	if err != nil {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, p)
}
