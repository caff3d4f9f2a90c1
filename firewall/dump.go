package firewall

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// dumped is one element of a set as the kernel tells it.
type dumped struct {
	key  netip.Addr
	left time.Duration // 0 is until lifted
	end  bool          // the first address behind a run, in an interval set
}

var (
	errShort       = errors.New("message of the kernel is cut short")
	errInterrupted = errors.New("the set changed while it was listed")
)

// dump calls visit with the elements of a set as the kernel hands them over,
// some hundreds at a time; the slice is only valid in the call. The whole is
// never held: a million elements are 200 MB through the nftables library.
//
// errInterrupted comes after the last of them: some may be missing or have
// come twice. The kernel counts its way through a hash set anew for each
// message, so that a dump of n elements costs it n²/1400 steps.
func dump(ctx context.Context, table, set string, visit func([]dumped) error) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return fmt.Errorf("cannot open a netlink socket: %w", err)
	}
	defer unix.Close(fd)
	timeout := unix.Timeval{Sec: 10}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return fmt.Errorf("cannot set a timeout: %w", err)
	}
	if err := unix.Sendto(fd, dumpRequest(table, set), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("cannot ask for set %s: %w", set, err)
	}

	buf := make([]byte, 64<<10) // the kernel fills up to 32 KiB
	var elements []dumped
	var interrupted error
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, _, flags, from, err := unix.Recvmsg(fd, buf, nil, 0)
		switch sender, ok := from.(*unix.SockaddrNetlink); {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("cannot list set %s: %w", set, err)
		case flags&unix.MSG_TRUNC != 0:
			return fmt.Errorf("cannot list set %s: %w", set, errShort)
		case !ok || sender.Pid != 0:
			continue // not the kernel
		}
		var done bool
		elements, done, err = decodeDump(buf[:n], elements[:0])
		if errors.Is(err, errInterrupted) {
			interrupted, err = err, nil
		}
		if err == nil && len(elements) > 0 {
			err = visit(elements)
		}
		if err != nil {
			return fmt.Errorf("cannot list set %s: %w", set, err)
		}
		if done {
			return interrupted
		}
	}
}

// dumpRequest is an NFT_MSG_GETSETELEM dump of a set in the inet family.
func dumpRequest(table, set string) []byte {
	ne := binary.NativeEndian
	b := make([]byte, unix.SizeofNlMsghdr, 64)
	b = append(b, unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0)
	for _, a := range []struct {
		typ   uint16
		value string
	}{{unix.NFTA_SET_ELEM_LIST_TABLE, table}, {unix.NFTA_SET_ELEM_LIST_SET, set}} {
		b = ne.AppendUint16(b, uint16(unix.SizeofNlAttr+len(a.value)+1))
		b = ne.AppendUint16(b, a.typ)
		b = append(b, a.value...)
		b = append(b, make([]byte, align(len(a.value)+1)-len(a.value))...)
	}
	ne.PutUint32(b, uint32(len(b)))
	ne.PutUint16(b[4:], unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETSETELEM)
	ne.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	return b
}

// align rounds up to the four bytes netlink aligns to.
func align(n int) int { return (n + 3) &^ 3 }

// decodeDump appends the elements in one datagram of a dump and reports whether
// it was the last. With errInterrupted the elements are valid.
func decodeDump(b []byte, elements []dumped) (_ []dumped, done bool, err error) {
	ne := binary.NativeEndian
	var interrupted error
	for len(b) > 0 {
		if len(b) < unix.SizeofNlMsghdr {
			return elements, false, errShort
		}
		size, typ, flags := ne.Uint32(b), ne.Uint16(b[4:]), ne.Uint16(b[6:])
		if size < unix.SizeofNlMsghdr || uint64(size) > uint64(len(b)) {
			return elements, false, errShort
		}
		body := b[unix.SizeofNlMsghdr:size]
		b = b[min(align(int(size)), len(b)):]
		if flags&unix.NLM_F_DUMP_INTR != 0 {
			interrupted = errInterrupted
		}
		switch typ {
		case unix.NLMSG_DONE, unix.NLMSG_ERROR:
			if len(body) < 4 {
				return elements, false, errShort
			}
			if code := int32(ne.Uint32(body)); code < 0 {
				return elements, false, unix.Errno(-code)
			}
			return elements, true, interrupted
		case unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWSETELEM:
			if len(body) < 4 { // struct nfgenmsg
				return elements, false, errShort
			}
			elements = appendElements(elements, body[4:])
		}
	}
	return elements, false, interrupted
}

// appendElements decodes the attributes of an NFT_MSG_NEWSETELEM message.
func appendElements(elements []dumped, b []byte) []dumped {
	for typ, list := range attributes(b) {
		if typ != unix.NFTA_SET_ELEM_LIST_ELEMENTS {
			continue
		}
		for _, attrs := range attributes(list) {
			if e := decodeElement(attrs); e.key.IsValid() {
				elements = append(elements, e)
			}
		}
	}
	return elements
}

func decodeElement(b []byte) dumped {
	var e dumped
	var timeout, left uint64 // ms
	for typ, v := range attributes(b) {
		switch {
		case typ == unix.NFTA_SET_ELEM_KEY:
			for typ, v := range attributes(v) {
				if typ == unix.NFTA_DATA_VALUE {
					e.key, _ = netip.AddrFromSlice(v)
				}
			}
		case typ == unix.NFTA_SET_ELEM_FLAGS && len(v) == 4:
			e.end = binary.BigEndian.Uint32(v)&unix.NFT_SET_ELEM_INTERVAL_END != 0
		case typ == unix.NFTA_SET_ELEM_TIMEOUT && len(v) == 8:
			timeout = binary.BigEndian.Uint64(v)
		case typ == unix.NFTA_SET_ELEM_EXPIRATION && len(v) == 8:
			left = binary.BigEndian.Uint64(v)
		}
	}
	if timeout > 0 {
		e.left = max(time.Duration(min(left, uint64(farthest.Milliseconds())))*time.Millisecond, time.Millisecond)
	}
	return e
}

// attributes yields the type and value of the netlink attributes in b, up to
// the first that does not fit.
func attributes(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= unix.SizeofNlAttr {
			size := int(binary.NativeEndian.Uint16(b))
			if size < unix.SizeofNlAttr || size > len(b) {
				return
			}
			typ := binary.NativeEndian.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
			if !yield(typ, b[unix.SizeofNlAttr:size]) {
				return
			}
			b = b[min(align(size), len(b)):]
		}
	}
}
