package gate

import (
	"fmt"
	"net"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
)

// mayAsk says whether a user may ask: root, ourselves, and those who are named.
func (o *Options) mayAsk(uid uint32) bool {
	return uid == 0 || uid == uint32(os.Geteuid()) || slices.Contains(o.Users, uid)
}

// owner is the user who holds the other end of a connection within this host,
// by the kernel's word.
func owner(c *net.TCPConn) (uint32, error) {
	there, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok || !there.IP.IsLoopback() {
		return 0, fmt.Errorf("cannot take a connection from %v: it is not of this host", c.RemoteAddr())
	}
	s, err := netlink.SocketGet(there, c.LocalAddr())
	if err != nil {
		return 0, fmt.Errorf("cannot ask the kernel whose connection %v is: %w", there, err)
	}
	return s.UID, nil
}
