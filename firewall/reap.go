package firewall

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// reaper destroys TCP connections to banned addresses. Their packets are
// dropped already, but the PBX would hold each of them open for minutes. It is
// best effort: a kernel without INET_DIAG_DESTROY keeps them until they time
// out.
type reaper struct {
	in  chan netip.Prefix
	log *slog.Logger
}

// reapPause is the least time between two walks over all TCP sockets.
const reapPause = 100 * time.Millisecond

func newReaper(log *slog.Logger) *reaper {
	return &reaper{in: make(chan netip.Prefix, 1024), log: log}
}

// ban asks for the connections of p to be destroyed. In a flood of bans some
// are passed over.
func (r *reaper) ban(p netip.Prefix) {
	select {
	case r.in <- p:
	default:
	}
}

func (r *reaper) run(ctx context.Context) {
	said := false
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-r.in:
			if err := destroy(r.collect(p)); err != nil && !said {
				said = true
				r.log.Info("cannot destroy TCP connections of banned addresses, they will time out", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(reapPause):
		}
	}
}

// targets are banned prefixes for a quick look-up.
type targets struct {
	hashes map[netip.Prefix]bool
	nets   []netip.Prefix
}

func (r *reaper) collect(first netip.Prefix) targets {
	t := targets{hashes: make(map[netip.Prefix]bool)}
	t.add(first)
	for {
		select {
		case p := <-r.in:
			t.add(p)
		default:
			return t
		}
	}
}

func (t *targets) add(p netip.Prefix) {
	if hashed(p) {
		t.hashes[p] = true
		return
	}
	t.nets = append(t.nets, p)
}

func (t *targets) holds(a netip.Addr) bool {
	if t.hashes[hashPrefix(a)] {
		return true
	}
	for _, p := range t.nets {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// destroy ends the TCP connections to the targets.
func destroy(t targets) error {
	var errs []error
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		sockets, err := netlink.SocketDiagTCP(family)
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			errs = append(errs, fmt.Errorf("cannot list TCP sockets: %w", err))
			continue
		}
		for _, s := range sockets {
			remote, ok := netip.AddrFromSlice(s.ID.Destination)
			if !ok || s.State == netlink.TCP_LISTEN || s.State == netlink.TCP_TIME_WAIT || !t.holds(remote.Unmap()) {
				continue
			}
			if err := destroySocket(family, s.ID); err != nil && !errors.Is(err, unix.ENOENT) {
				errs = append(errs, fmt.Errorf("cannot destroy the connection to %s: %w", remote, err))
			}
		}
	}
	return errors.Join(errs...)
}

// destroySocket destroys one TCP socket of either family; that of the library
// knows IPv4 only. An IPv4 connection of an IPv6 socket is named as the kernel
// named it, by the mapped addresses.
func destroySocket(family uint8, id netlink.SocketID) error {
	req := nl.NewNetlinkRequest(nl.SOCK_DESTROY, unix.NLM_F_ACK)
	req.AddRawData(diagRequest(family, id))
	_, err := req.Execute(unix.NETLINK_INET_DIAG, 0)
	return err
}

// diagRequest is struct inet_diag_req_v2 of linux/inet_diag.h.
func diagRequest(family uint8, id netlink.SocketID) []byte {
	b := make([]byte, 0, 56)
	b = append(b, family, unix.IPPROTO_TCP, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, 0xffffffff) // every state
	b = binary.BigEndian.AppendUint16(b, id.SourcePort)
	b = binary.BigEndian.AppendUint16(b, id.DestinationPort)
	for _, ip := range [][]byte{id.Source, id.Destination} {
		var a [16]byte
		if family == unix.AF_INET && len(ip) == 16 {
			ip = ip[12:]
		}
		copy(a[:], ip)
		b = append(b, a[:]...)
	}
	b = binary.NativeEndian.AppendUint32(b, id.Interface)
	b = binary.NativeEndian.AppendUint32(b, id.Cookie[0])
	return binary.NativeEndian.AppendUint32(b, id.Cookie[1])
}
