package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// mayAsk says whether a user may ask: root, ourselves, and those who are named.
func (o *Options) mayAsk(uid uint32) bool {
	return uid == 0 || uid == uint32(os.Geteuid()) || slices.Contains(o.Users, uid)
}

// owner is the user who holds the other end of a connection within this host,
// by the kernel's word.
func owner(c *net.TCPConn) (uint32, error) {
	there, here := endOf(c.RemoteAddr()), endOf(c.LocalAddr())
	if !there.Addr().IsLoopback() {
		return 0, fmt.Errorf("cannot take a connection from %v: it is not of this host", there)
	}
	req := nl.NewNetlinkRequest(nl.SOCK_DIAG_BY_FAMILY, 0)
	req.AddData(diagRequest{there, here})
	replies, err := req.Execute(unix.NETLINK_INET_DIAG, nl.SOCK_DIAG_BY_FAMILY)
	if err != nil {
		return 0, fmt.Errorf("cannot ask the kernel whose connection %v is: %w", there, err)
	}
	if len(replies) != 1 || len(replies[0]) < diagUID+4 {
		return 0, errors.New("cannot read what the kernel says of a connection")
	}
	return binary.NativeEndian.Uint32(replies[0][diagUID:]), nil
}

func endOf(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	at := t.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// diagRequest is the kernel's struct inet_diag_req_v2 for one socket. netlink's
// own SocketGet has all sockets listed, which takes milliseconds among a
// thousand; this asks for the one.
type diagRequest struct{ local, remote netip.AddrPort }

// Sizes and places in struct inet_diag_req_v2 and struct inet_diag_msg.
const (
	diagLen = 56
	diagUID = 64
)

func (diagRequest) Len() int { return diagLen }

// Serialize implements nl.NetlinkRequestData.
func (d diagRequest) Serialize() []byte {
	b := make([]byte, diagLen)
	b[0], b[1] = unix.AF_INET, unix.IPPROTO_TCP
	if d.local.Addr().Is6() {
		b[0] = unix.AF_INET6
	}
	binary.NativeEndian.PutUint32(b[4:], 0xffffffff) // in any state
	binary.BigEndian.PutUint16(b[8:], d.local.Port())
	binary.BigEndian.PutUint16(b[10:], d.remote.Port())
	copy(b[12:28], d.local.Addr().AsSlice())
	copy(b[28:44], d.remote.Addr().AsSlice())
	binary.NativeEndian.PutUint32(b[48:], 0xffffffff) // no cookie
	binary.NativeEndian.PutUint32(b[52:], 0xffffffff)
	return b
}
